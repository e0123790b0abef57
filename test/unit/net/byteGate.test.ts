import { expect, it } from 'vitest';
import { ByteGate } from '../../../net/byteGate.js';

it('ByteGate: lets in what fits, in order, and what is too large alone', async () => {
  const gate = new ByteGate(10);
  const order: string[] = [];
  const enter = (name: string, bytes: number) => gate.enter(bytes).then(() => order.push(name));
  await enter('6', 6);
  await enter('4', 4);
  const large = enter('20', 20);
  const small = enter('1', 1);
  gate.leave(4);
  await Promise.resolve();
  // The small one would fit; it waits its turn.
  expect(order).toEqual(['6', '4']);
  gate.leave(6);
  await large;
  expect(order).toEqual(['6', '4', '20']);
  gate.leave(20);
  await small;
  expect(order).toEqual(['6', '4', '20', '1']);
});
