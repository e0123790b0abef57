import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bytesToHex } from '../../../crypto/index.js';
import { startChain } from '../../../genesis/index.js';
import { createMemoryNetwork, type Transport } from '../../../net/index.js';
import { type HealthFacts, healthOf } from '../../../node/health.js';
import { askClock, medianOf, watchPeerClocks } from '../../../node/peerClocks.js';
import { testGenesis } from '../../support/genesis.js';
import { openNode } from '../../support/network.js';

const dir = mkdtempSync(join(tmpdir(), 'consilium-health-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const members = ['a', 'b', 'c', 'd'];
const well: HealthFacts = {
  storeFault: null,
  height: 100,
  others: 100,
  members,
  self: 'a',
  connected: ['b', 'c'],
  behindMax: 16,
  mayVote: true,
};
const failing = (facts: Partial<HealthFacts>) =>
  healthOf({ ...well, ...facts })
    .checks.filter(({ ok }) => !ok)
    .map(({ name }) => name);

describe('readiness', () => {
  it.each<[string, Partial<HealthFacts>, readonly string[]]>([
    ['all is well', {}, []],
    ['it is ahead', { others: 90 }, []],
    ['it is as far behind as allowed', { others: 116 }, []],
    ['it is further behind', { others: 117 }, ['sync']],
    ['nobody has said how far he is', { others: null }, ['sync']],
    ['one link is missing for a quorum of three', { connected: ['b'] }, ['peers']],
    ['its links are to none of the members', { connected: ['x', 'y', 'z'] }, ['peers']],
    ['an observer has no vote of its own to count', { self: 'x', connected: ['b', 'c'] }, ['peers']],
    ['an observer has links to a quorum', { self: 'x', connected: ['b', 'c', 'd'] }, []],
    ['it is the only validator', { members: ['a'], connected: [], others: null }, []],
    ['it follows the only validator', { members: ['b'], connected: [], others: null }, ['peers', 'sync']],
    ['its store has failed', { storeFault: 'no space' }, ['store']],
    ['it abstains', { mayVote: false }, ['votes']],
    ['it has no vote', { mayVote: false, self: 'x', connected: ['b', 'c', 'd'] }, []],
  ])('%s', (_, facts, wanted) => {
    expect(failing(facts)).toEqual(wanted);
    expect(healthOf({ ...well, ...facts }).ready).toBe(wanted.length === 0);
  });

  it('is that of a node: alone it is ready, until its store is closed', async () => {
    const { genesis, validators } = testGenesis(1, 0);
    const chain = startChain(genesis);
    const transport = createMemoryNetwork().transport(validators[0]!.secret);
    const { node, store } = await openNode({ chain, who: validators[0]!, path: join(dir, 'one'), transport });
    await node.start();
    expect(node.health().ready).toBe(true);
    await store.abstain(node.tip.height + 2);
    expect(node.health().checks.filter(({ ok }) => !ok)).toMatchObject([{ name: 'votes' }]);
    await store.abstain(node.tip.height);
    expect(node.health().ready).toBe(true);
    await store.close();
    expect(node.health().checks.find(({ name }) => name === 'store')).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/closed/),
    });
    await node.close();
  });

  it('is refused to one of four that has no links', async () => {
    const { genesis, validators } = testGenesis(4, 0);
    const chain = startChain(genesis);
    const transport = createMemoryNetwork().transport(validators[0]!.secret);
    const { node } = await openNode({ chain, who: validators[0]!, path: join(dir, 'four'), transport });
    await node.start();
    expect(node.health()).toMatchObject({ ready: false });
    expect(node.metrics()).toMatchObject({ validators: 4, peersNeeded: 2, abstaining: 0 });
    await node.close();
  });
});

describe('clocks of peers', () => {
  it('are told apart from the own one, to half of the way there and back', async () => {
    const { genesis, validators } = testGenesis(3, 0);
    const { chainId } = startChain(genesis);
    const network = createMemoryNetwork();
    const transports = validators.map(({ secret }) => network.transport(secret));
    const peers = transports.map(({ self }) => ({ key: self, addresses: [] }));
    const at = (offset: number) => ({
      now: () => 1_000_000_000 + offset,
      monotonic: () => performance.now(),
      after: () => () => {},
    });
    const clocks = transports.map((transport, index) =>
      watchPeerClocks(transport, at([0, 5_000, -3_000][index]!)),
    );
    for (const transport of transports) await transport.start();
    for (const [index, transport] of transports.entries()) {
      transport.setPeers(
        peers.map((peer, i) => ({ ...peer, addresses: i === index ? [] : [...transports[i]!.addresses()] })),
      );
    }
    await expect.poll(() => transports[0]!.connectedPeers().length).toBe(2);
    const [, fast, slow] = transports.map(({ self }) => self);
    const asked = await askClock(transports[0]!, fast!, at(0));
    expect(Math.abs(asked.offsetMs - 5_000)).toBeLessThanOrEqual(asked.roundTripMs + 1);
    clocks[0]!.greet(fast!);
    clocks[0]!.greet(slow!);
    await expect.poll(() => clocks[0]!.of(fast!) !== null && clocks[0]!.of(slow!) !== null).toBe(true);
    expect(clocks[0]!.of(slow!)!.offsetMs).toBeLessThan(-2_000);
    expect(clocks[0]!.offsetMs()).toBe(clocks[0]!.of(slow!)!.offsetMs);
    for (const clock of clocks) clock.close();
    await Promise.all(transports.map((transport) => transport.stop()));
    expect(bytesToHex(chainId)).toHaveLength(64);
  });

  it.each([
    ['too short', new Uint8Array(7)],
    ['too long', new Uint8Array(9)],
    ['after the end of time', new Uint8Array(8).fill(255)],
  ])('that answer no time are unknown: %s', async (_, answer) => {
    const clock = { now: () => 0, monotonic: () => 0 };
    await expect(askClock({ request: async () => answer }, 'peer', clock)).rejects.toThrow(
      'answered no time',
    );
  });

  it('are asked again every minute, and not after the end', async () => {
    const asked: string[] = [];
    const waiting = new Set<() => void>();
    const clocks = watchPeerClocks(
      {
        serve: () => {},
        connectedPeers: () => ['peer'],
        request: async (peer: string) => {
          asked.push(peer);
          return new Uint8Array(8);
        },
      } as unknown as Transport,
      {
        now: () => 0,
        monotonic: () => 0,
        after: (_, run) => {
          waiting.add(run);
          return () => waiting.delete(run);
        },
      },
    );
    const minute = () => {
      for (const run of [...waiting]) {
        waiting.delete(run);
        run();
      }
    };
    minute();
    minute();
    expect(asked).toEqual(['peer', 'peer']);
    clocks.close();
    expect(waiting.size).toBe(0);
  });

  it.each([
    [[], null],
    [[5], 5],
    [[5, -3], -3],
    [[1, 900_000, 2], 2],
  ])('count by their median: %j', (values, wanted) => {
    expect(medianOf(values)).toBe(wanted);
  });
});
