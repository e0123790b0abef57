import { describe, expect, it } from 'vitest';
import { EarlyMessages, type Received } from '../../../../node/driver/early.js';

const message = { kind: 'votes', votes: [] } as const;
const from = (peer: string, bytes = 100): Received => ({ message, from: peer, bytes });

describe('messages that wait', () => {
  it('come back in their order, once', () => {
    const early = new EarlyMessages();
    const sent = ['a', 'b', 'a'].map((peer) => from(peer));
    for (const each of sent) expect(early.add(each)).toBe(0);
    expect(early.take()).toEqual(sent);
    expect(early.take()).toEqual([]);
    expect(early.size).toBe(0);
  });

  it('of one who floods make room for each other and for nobody else', () => {
    for (const bytes of [1, 1_000, 1_000_000]) {
      const early = new EarlyMessages();
      early.add(from('honest'));
      let dropped = 0;
      for (let i = 0; i < 10_000; i += 1) dropped += early.add(from('flooder', bytes));
      early.add(from('another', 50));
      const waiting = early.take();
      expect(waiting.length).toBeLessThanOrEqual(512);
      expect(waiting.reduce((sum, each) => sum + each.bytes, 0)).toBeLessThanOrEqual(16 * 1024 * 1024);
      expect(waiting.filter((each) => each.from !== 'flooder').map((each) => each.from)).toEqual([
        'honest',
        'another',
      ]);
      expect(dropped).toBeGreaterThanOrEqual(10_000 - 512);
    }
  });
});
