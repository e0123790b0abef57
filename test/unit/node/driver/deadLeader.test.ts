import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Tip } from '../../../../consensus/index.js';
import { equalBytes } from '../../../../crypto/index.js';
import { createMemoryNetwork } from '../../../../net/index.js';
import { createTestChain, taskSpec } from '../../../support/chain.js';
import { TestClock } from '../../../support/clock.js';
import {
  eventually,
  introduce,
  openNode,
  sign,
  type TestNode,
  tempFolder,
} from '../../../support/network.js';
import { pass, quiet, Traffic } from '../../../support/quietNetwork.js';

const HEARTBEAT_MS = 5_000;

let close: () => Promise<void> = async () => {};
afterEach(() => close());

/** Three of four validators, on one clock that moves only when nobody has anything left to do. */
async function threeOfFour() {
  const test = createTestChain({
    adjust: (genesis) => ({
      ...genesis,
      params: { ...genesis.params, agreement: { ...genesis.params.agreement, heartbeatMs: HEARTBEAT_MS } },
    }),
  });
  const folder = await tempFolder();
  const memory = createMemoryNetwork();
  const clock = new TestClock();
  const traffic = new Traffic();
  const tips: Tip[] = [];
  const alive: TestNode[] = [];
  for (const who of test.validators.slice(0, 3)) {
    const first = alive.length === 0;
    const found: TestNode = await openNode({
      chain: test.chain,
      who,
      path: join(folder.path, who.name),
      transport: traffic.wrap(memory.transport(who.secret)),
      clock,
      log: (_, event) => void (first && event === 'commit' && tips.push(alive[0]!.node.tip)),
    });
    alive.push(found);
  }
  for (const { node } of alive) await node.start();
  introduce(alive.map(({ transport }) => transport));
  await eventually('the links', () =>
    alive.every(({ transport }) => transport.connectedPeers().length === 2),
  );
  await quiet(traffic, alive);
  close = async () => {
    for (const { node } of alive) await node.close();
    await folder.remove();
  };
  const dead = test.validators[3]!.publicKey;
  /** Heights that the dead one was drawn to lead, and those that ended with the empty block. */
  const drawn = () =>
    tips.filter(({ committee }) => equalBytes(committee[0]!.publicKey, dead)).map(({ height }) => height);
  const empty = () => tips.filter(({ leader }) => leader === null).map(({ height }) => height);
  return { test, clock, alive, tips, drawn, empty, pass: (ms: number) => pass(ms, clock, traffic, alive) };
}

describe('a leader that is dead for good', () => {
  it('on an idle chain costs its own heights and no others, and no height comes before the heartbeat', async () => {
    const { alive, tips, drawn, empty, pass: advance } = await threeOfFour();
    const beats = 20;
    await advance(beats * HEARTBEAT_MS);
    expect(tips.length).toBeLessThanOrEqual(beats);
    // The empty block takes a deadline more: at most twelve seconds, and it is one height in four.
    expect(tips.length).toBeGreaterThan(beats / 3);
    expect(drawn().length).toBeGreaterThan(0);
    expect(empty()).toEqual(drawn());
    expect(alive.flatMap(({ failures }) => failures)).toEqual([]);
  }, 60_000);

  it('on a busy chain holds up no transaction for long, and brings no empty block where another leads', async () => {
    const { test, clock, alive, tips, drawn, empty, pass: advance } = await threeOfFour();
    const call = { contract: 'tasks', method: 'publish', level: 1, args: { spec: taskSpec() } };
    const transactions = 14;
    const startedAt = clock.now();
    for (let sent = 0; sent < transactions; sent += 1) {
      const [first] = alive;
      const transaction = sign(first!.node, test.publisher, call);
      const { height } = first!.node.tip;
      for (const { node } of alive) await node.submit(transaction, []);
      // A height of the dead takes its deadline, doubled with every empty block before it: at most twelve seconds.
      await advance(1_000);
      for (let waited = 0; first!.node.mempool.size > 0 && waited < 5 * 13; waited += 1) await advance(1_000);
      expect(first!.node.mempool.size).toBe(0);
      expect(first!.node.tip.height).toBeGreaterThan(height);
    }
    expect(drawn().length).toBeGreaterThan(0);
    expect(empty()).toEqual(drawn());
    // One block a transaction and one for the end of its task's enrolment, the dead one's, and the heartbeat's.
    const heartbeats = Math.ceil((clock.now() - startedAt) / HEARTBEAT_MS);
    expect(tips.length).toBeLessThanOrEqual(2 * transactions + drawn().length + heartbeats);
    expect(alive.flatMap(({ failures }) => failures)).toEqual([]);
  }, 60_000);
});
