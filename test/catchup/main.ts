import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bytesToHex } from '../../crypto/index.js';
import { createMemoryNetwork } from '../../net/index.js';
import { createCertifier } from '../../node/driver/certifier.js';
import { createTestChain, taskSpec } from '../support/chain.js';
import { introduce, openNode, sign, tempFolder, writeChain } from '../support/network.js';

/**
 * A validator that was away for a long time comes back while the others go on: real nodes, stores, keys, signatures
 * and execution, in one process on the memory transport; only the history is made without agreement.
 *
 *   npm run test:sync -- [--heights 10000] [--json]
 *
 * Prints heights a second, and fails unless the node ends on the same hash as the others, which have gone on.
 */
const { values } = parseArgs({
  options: { heights: { type: 'string', default: '10000' }, json: { type: 'boolean', default: false } },
});
const heights = Number(values.heights);
if (!Number.isSafeInteger(heights) || heights < 1) throw new RangeError('--heights: a whole number above 0');
const say = (line: string): void => {
  if (!values.json) process.stdout.write(`${line}\n`);
};

const BUSY_MS = 250;
const PATIENCE_MS = 1_800_000;

const test = createTestChain();
const folder = await tempFolder();
try {
  await run();
} finally {
  await folder.remove();
}

async function run(): Promise<void> {
  const begun = performance.now();
  while (test.tip.height < heights) {
    // One block in eight is the empty one, as in a network of eight with a dead member.
    if (test.tip.height % 8 === 7) test.empty();
    else test.adopt(test.build([]));
  }
  const history = join(folder.path, 'history');
  await writeChain(test, history);
  say(`made ${heights} heights in ${seconds(performance.now() - begun)} s`);

  const memory = createMemoryNetwork({ onError: (error) => say(`net: ${error.message}`) });
  const open = async (index: number, path: string) => {
    const who = test.validators[index]!;
    return openNode({
      chain: test.chain,
      who,
      path,
      transport: memory.transport(who.secret),
      certifier: createCertifier(),
    });
  };
  const ahead = [];
  for (const index of [0, 1, 2]) {
    const path = join(folder.path, `ahead-${index}`);
    await mkdir(path);
    await cp(history, path, { recursive: true });
    ahead.push(await open(index, path));
  }
  for (const { node } of ahead) await node.start();
  const behind = await open(3, join(folder.path, 'behind'));
  await behind.node.start();
  const all = [...ahead, behind];

  // The network is at work: a transaction every quarter of a second.
  const first = ahead[0]!.node;
  const spec = taskSpec();
  const busy = setInterval(() => {
    const call = { contract: 'tasks', method: 'publish', level: 1, args: { spec } };
    void first.submit(sign(first, test.publisher, call), []);
  }, BUSY_MS);

  const memoryBefore = process.memoryUsage().rss;
  let rssMax = memoryBefore;
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  introduce(all.map(({ transport }) => transport));
  while (behind.node.tip.height < heights || behind.node.tip.height < first.tip.height) {
    rssMax = Math.max(rssMax, process.memoryUsage().rss);
    if (performance.now() - started > PATIENCE_MS) throw new Error('waited in vain for the head');
    await behind.node.waitForChange({ height: behind.node.tip.height + 50 }, 100);
  }
  const ms = performance.now() - started;
  const cpu = process.cpuUsage(cpuBefore);
  clearInterval(busy);
  const reached = behind.node.tip.height;
  const hashes = new Set(
    all.flatMap(({ store }) => {
      const block = store.block(reached);
      return block === null ? [] : [bytesToHex(block.hash)];
    }),
  );
  const failures = all.flatMap((each) => each.failures);
  for (const { node } of all) await node.close();
  const result = {
    heights: reached,
    decidedMeanwhile: reached - heights,
    seconds: Number(seconds(ms)),
    // Of all four nodes: what the others do is in it.
    cpuSeconds: Number(seconds((cpu.user + cpu.system) / 1_000)),
    heightsPerSecond: Math.round(reached / (ms / 1_000)),
    rssGrowthMiB: Math.round((rssMax - memoryBefore) / 2 ** 20),
  };
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${summary(result)}\n`);
  if (hashes.size !== 1 || failures.length > 0) throw new Error(`not one chain: ${failures.join('; ')}`);
}

function summary(result: Record<string, number>): string {
  return Object.entries(result)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}
