import { expect, it } from 'vitest';
import { PeerSlots } from '../../../net/peerSlots.js';

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
