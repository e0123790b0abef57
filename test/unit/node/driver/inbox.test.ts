import { describe, expect, it } from 'vitest';
import { encodeVote, signVote } from '../../../../chain/index.js';
import type { Driver } from '../../../../node/driver/driver.js';
import { Inbox } from '../../../../node/driver/inbox.js';
import { encodeMessage } from '../../../../node/driver/message.js';
import { Witness } from '../../../../node/driver/witness.js';
import { person } from '../../../support/network.js';

const chainId = new Uint8Array(32).fill(3);
const { publicKey, secret } = person('a validator');

/** `copies` votes of one height in one message: about 90 KB with 400. */
function votesAt(height: number, copies: number): Uint8Array {
  const unsigned = { height, period: 0, step: 'soft', value: new Uint8Array(32) } as const;
  const vote = encodeVote(chainId, signVote(chainId, unsigned, publicKey, secret));
  return encodeMessage({ kind: 'votes', votes: new Array<Uint8Array>(copies).fill(vote) });
}

/** An inbox at a height; `moveTo` decides heights, upon which what waited is looked at again. */
function inboxAt(height: number) {
  const seats = new Array(100).fill({ publicKey });
  const driver = { tip: { height, hash: new Uint8Array(32), committee: seats }, work: null };
  const behind: string[] = [];
  const ahead: [string, number][] = [];
  const inbox = new Inbox({
    driver: driver as unknown as Driver,
    chainId,
    witness: new Witness({ window: 0, onOffence: () => {} }),
    now: () => 0,
    onStatus: (from, at) => void ahead.push([from, at]),
    onBehind: (from) => void behind.push(from),
    onOffence: () => {},
  });
  const moveTo = (next: number): void => {
    driver.tip = { ...driver.tip, height: next };
    inbox.replay();
  };
  return { inbox, behind, ahead, moveTo };
}

describe('messages that come too early', () => {
  it('wait for their height, in their order', () => {
    const { inbox, behind, moveTo } = inboxAt(5);
    for (const from of ['a', 'b', 'c']) expect(inbox.receive(votesAt(7, 1), from)).toBe('ignore');
    expect(behind).toEqual([]);
    moveTo(7); // decided meanwhile: their senders are behind
    expect(behind).toEqual(['a', 'b', 'c']);
    moveTo(8);
    expect(behind.length).toBe(3);
  });

  it('are bounded by count', () => {
    const { inbox, behind, moveTo } = inboxAt(5);
    const message = votesAt(6, 1);
    for (let i = 0; i < 600; i += 1) inbox.receive(message, `${i}`);
    moveTo(6);
    expect([behind.length, behind[0], behind.at(-1)]).toEqual([512, '88', '599']);
  });

  it('are bounded by bytes, since nothing in them is verified yet', () => {
    const { inbox, behind, moveTo } = inboxAt(5);
    const message = votesAt(6, 400);
    for (let i = 0; i < 220; i += 1) inbox.receive(message, `${i}`);
    moveTo(6);
    const bytes = behind.length * message.length;
    expect(bytes).toBeLessThanOrEqual(16 * 1024 * 1024);
    expect(bytes).toBeGreaterThan(16 * 1024 * 1024 - message.length);
    expect(behind.at(-1)).toBe('219');
  });

  it('say of a height far ahead only that their sender stands there', () => {
    const { inbox, ahead, behind, moveTo } = inboxAt(5);
    inbox.receive(votesAt(50, 1), 'far');
    moveTo(50);
    expect([ahead, behind]).toEqual([[['far', 49]], []]);
  });
});
