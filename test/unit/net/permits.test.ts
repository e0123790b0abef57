import { expect, it } from 'vitest';
import { PeerSlots } from '../../../net/peerSlots.js';
import { Permits } from '../../../net/permits.js';

it('Permits: lets so many at a time work on a key, and the rest in turn', async () => {
  const permits = new Permits<string>(2);
  const order: string[] = [];
  const take = (name: string, key: string) => permits.take(key).then(() => order.push(name));
  await take('1', 'a');
  await take('2', 'a');
  const third = take('3', 'a');
  const fourth = take('4', 'a');
  await take('b', 'b');
  expect(order).toEqual(['1', '2', 'b']);
  permits.give('a');
  await third;
  expect(order).toEqual(['1', '2', 'b', '3']);
  permits.give('a');
  await fourth;
  for (const key of ['a', 'a', 'b']) permits.give(key);
  expect(() => permits.give('a')).toThrow(RangeError);
});

it('PeerSlots: counts by peer up to the bound', () => {
  const slots = new PeerSlots(2);
  expect([slots.take('a'), slots.take('a'), slots.take('a'), slots.take('b')]).toEqual([
    true,
    true,
    false,
    true,
  ]);
  slots.free('a');
  expect([slots.take('a'), slots.take('a')]).toEqual([true, false]);
  slots.free('b');
  expect(() => slots.free('b')).toThrow(RangeError);
});
