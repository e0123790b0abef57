import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import {
  badMessages,
  evilPeers,
  nodeAlone,
  soft,
  stateOf,
  TIP,
  test,
  votes,
  wireVote,
} from '../support/badInput.js';
import { eventually, introduce } from '../support/network.js';

/** A full collection, so that what is left is what is held. */
function heapMiB(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

describe('bad input', () => {
  it('in a flood of 100,000 takes no more memory than in a trickle, and changes nothing', async () => {
    const FLOOD = 100_000;
    const BATCH = 500;
    const unbounded = { inboundMessagesPerSecond: 1e9, inboundMessagesBurst: 1e9, inboundBytesBurst: 1e12 };
    const found = await nodeAlone({ ...unbounded, penaltyPointsMax: Number.POSITIVE_INFINITY });
    const before = stateOf(found);
    const [evil] = await evilPeers(found.memory, ['a flooder']);
    introduce([found.transport, evil!]);
    await eventually('the link', () => found.transport.connectedPeers().length === 1);
    const small = badMessages.filter(({ bytes }) => bytes().length < 100_000).map(({ bytes }) => bytes());
    // Nobody can tell yet whether these are bad: their height has not begun.
    small.push(votes(wireVote(soft(TIP + 2))));
    const refused = () =>
      Object.entries(found.node.metrics()).reduce(
        (sum, [name, count]) => (name.startsWith('refused') ? sum + count : sum),
        0,
      );
    let sent = 0;
    const flood = async (messages: number): Promise<void> => {
      for (const end = sent + messages; sent < end; sent += BATCH) {
        for (let i = 0; i < BATCH; i += 1) evil!.publish('consensus', small[(sent + i) % small.length]!);
        await new Promise((resolve) => setImmediate(resolve));
        found.clock.advance(200);
      }
      // All but those that wait are refused.
      await eventually('all to be refused', () => refused() >= sent - 512);
    };
    await flood(FLOOD / 5);
    const heapBefore = heapMiB();
    await flood((4 * FLOOD) / 5);
    expect(sent).toBe(FLOOD);
    expect(heapMiB() - heapBefore).toBeLessThan(16);
    expect(stateOf(found)).toEqual(before);
    expect(found.failures).toEqual([]);
    // It listens as well as before: next votes of the three others bring it into the next period.
    const next = { height: TIP + 1, period: 0, step: 'next', value: null } as const;
    found.clock.advance(10_000);
    evil!.publish('consensus', votes(...test.validators.slice(1).map((who) => wireVote(next, who))));
    await eventually('period 1', () => found.node.agreement().period === 1);
    await evil!.stop();
    await found.close();
  }, 120_000);
});
