import { afterEach, expect, it } from 'vitest';
import { transactionHash } from '../../../chain/index.js';
import { systemClock } from '../../../node/driver/clock.js';
import { decodeMessage } from '../../../node/driver/message.js';
import type { Logger } from '../../../node/log.js';
import { Collector } from '../../compliance/deadline.js';
import { person, sign, startChain, testGenesis, testNetwork, until } from '../../support/network.js';

let network: Awaited<ReturnType<typeof testNetwork>> | null = null;
afterEach(() => network?.close());

it('a node whose clock is set back by an hour goes on telling where it stands', async () => {
  const { genesis, validators } = testGenesis(1, 1);
  let skewMs = 0;
  const clock = { ...systemClock, now: () => systemClock.now() + skewMs };
  network = await testNetwork(startChain(genesis), validators, [person('outsider')], { clock });
  const statuses = new Collector<string>();
  network.outsiders[0]!.onMessage('consensus', (message) => {
    statuses.push(decodeMessage(message)?.kind ?? 'no message');
    return 'accept';
  });
  await statuses.until('the first status', (kinds) => kinds.includes('status'));
  skewMs = -3_600_000;
  const before = statuses.values.length;
  await statuses.until('one more', (kinds) => kinds.length > before);
});

it('a chain a day ahead of all clocks goes on with what it is given, and the nodes say so', async () => {
  const { genesis, validators } = testGenesis(4, 0);
  const agreement = { ...genesis.params.agreement, deadlineMs: 600 };
  const chain = startChain({ ...genesis, params: { ...genesis.params, agreement } });
  const clock = {
    ...systemClock,
    now: () => genesis.time - 86_400_000 + Math.floor(systemClock.monotonic()),
  };
  const warned = new Set<string>();
  const log: Logger = (level, event) => void (level === 'warn' && warned.add(event));
  network = await testNetwork(chain, validators, [], { clock, log });
  const [node] = network.nodes;
  const call = { contract: 'identity', method: 'approve', level: 0, args: { proposal: 1 } };
  const transaction = sign(node!, validators[0]!, call);
  expect(await node!.submit(transaction, [])).toMatchObject({ ok: true });
  const hash = transactionHash(transaction);
  for (const [i, { store }] of network.opened.entries()) {
    await until(network.nodes[i]!, () => store.transaction(hash) !== null);
  }
  const { height } = node!.tip;
  expect(node!.tip.time).toBeLessThanOrEqual(genesis.time + height);
  expect(node!.metrics().chainAheadMs).toBeGreaterThan(80_000_000);
  await until(node!, () => warned.has('chain-ahead-of-clock'));
});
