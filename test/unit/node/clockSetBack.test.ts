import { afterEach, it } from 'vitest';
import { systemClock } from '../../../node/driver/clock.js';
import { decodeMessage } from '../../../node/driver/message.js';
import { Collector } from '../../compliance/deadline.js';
import { person, startChain, testGenesis, testNetwork } from '../../support/network.js';

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
  await statuses.until('two more', (kinds) => kinds.length >= before + 2);
});
