import { afterEach, describe, expect, it } from 'vitest';
import { Pace } from '../../../../node/driver/pace.js';
import { TestClock } from '../../../support/clock.js';
import { sign, startChain, testGenesis, testNetwork } from '../../../support/network.js';

describe('the pace of heights', () => {
  it('lets the first one and what comes after a pause begin at once', () => {
    const clock = new TestClock();
    const pace = new Pace(clock, 50, 2_000);
    expect(pace.waitMs()).toBe(0);
    pace.begun();
    clock.advance(50);
    expect(pace.waitMs()).toBe(0);
  });

  it('counts from one beginning to the next', () => {
    const clock = new TestClock();
    const pace = new Pace(clock, 50, 2_000);
    pace.begun();
    clock.advance(30);
    expect(pace.waitMs()).toBe(20);
    pace.begun();
    expect(pace.waitMs()).toBe(50);
  });

  it('leaves a leader three quarters of the time in which it has to be heard', () => {
    const pace = new Pace(new TestClock(), 10_000, 2_000);
    pace.begun();
    expect(pace.waitMs()).toBe(500);
  });
});

describe('a network with a pace', () => {
  let network: Awaited<ReturnType<typeof testNetwork>> | null = null;
  afterEach(() => network?.close());

  it('makes blocks no faster, and every one', async () => {
    const spacingMs = 5_000;
    const { genesis, validators, publisher } = testGenesis(1, 0);
    const slow = { deadlineMs: 4 * spacingMs, deadlineCapMs: 4 * spacingMs, heartbeatMs: 100 * spacingMs };
    const agreement = { ...genesis.params.agreement, ...slow };
    const chain = startChain({ ...genesis, params: { ...genesis.params, agreement } });
    const clock = new TestClock(genesis.time);
    network = await testNetwork(chain, validators, [], { clock, blockSpacingMs: spacingMs });
    const node = network.nodes[0]!;
    const send = async (from: typeof publisher, proposal: number) => {
      const call = { contract: 'identity', method: 'approve', level: 0, args: { proposal } };
      expect(await node.submit(sign(node, from, call), [])).toMatchObject({ ok: true });
    };
    const begun = new Map<number, number>();
    // A turn of the loop is a millisecond: the machine's own speed has no part in this.
    const turn = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      const { active, height } = node.agreement();
      if (active && !begun.has(height)) begun.set(height, clock.monotonic());
      clock.advance(1);
    };
    await send(validators[0]!, 1);
    while (!begun.has(1)) await turn();
    // This one waits when its height's time comes, the last one comes when it has.
    await send(publisher, 1);
    while (node.tip.height < 2) await turn();
    await send(validators[0]!, 2);
    while (node.tip.height < 3) await turn();
    const [first, second, third] = [1, 2, 3].map((height) => begun.get(height)!);
    expect(second! - first!).toBeGreaterThanOrEqual(spacingMs - 1);
    expect(third! - second!).toBeGreaterThanOrEqual(spacingMs - 1);
  });
});
