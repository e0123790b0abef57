import { parseArgs } from 'node:util';
import { runProgram, whole } from '../../support/flags.js';
import { fuzzRpc, type RpcFuzzResult } from './run.js';
import { startFuzzedNode } from './target.js';

/**
 * Malformed calls at a real node, over HTTP, WebSocket and bare sockets: no crash, no HTTP 500, no internal error, flat
 * memory, and right answers all the while and after.
 *
 *   npm run fuzz:rpc -- [--calls 100000] [--seed N] [--json]
 */
const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    json: { type: 'boolean', default: false },
  },
});

/** What memory may grow by, from the second fifth of a run to its end. */
const GROWTH_BYTES_MAX = 64 * 1024 * 1024;

await runProgram(async () => {
  const calls = whole('calls', values.calls, 1, 100_000_000);
  const seed = whole('seed', values.seed, 0, 2 ** 31 - 1);
  if (!values.json) process.stdout.write(`seed ${seed}\n`);
  const node = await startFuzzedNode();
  try {
    const began = performance.now();
    const result = await fuzzRpc({ ...node, calls, seed });
    const faults = [result.finding === null ? null : told(result.finding), grown(result), ...node.errors()];
    const task = result.finding === null ? await node.publish() : null;
    const found = faults.filter((fault) => fault !== null);
    const seconds = (performance.now() - began) / 1_000;
    const all = { seed, calls, seconds, ...result, publishedAfter: task, found };
    process.stdout.write(values.json ? `${JSON.stringify(all)}\n` : tell(all));
    return found.length === 0 ? 0 : 1;
  } finally {
    await node.close();
  }
});

function grown({ memory }: RpcFuzzResult): string | null {
  if (memory === null || memory.endBytes - memory.warmBytes <= GROWTH_BYTES_MAX) return null;
  return `memory grew from ${memory.warmBytes} to ${memory.endBytes} bytes`;
}

function told({ lane, kind, detail, input }: NonNullable<RpcFuzzResult['finding']>): string {
  return `${detail}\n  lane ${lane}, ${kind}, input ${input}`;
}

function tell(
  all: RpcFuzzResult & { calls: number; seed: number; seconds: number; found: readonly string[] },
): string {
  const mebibytes = (bytes: number) => (bytes / 1024 ** 2).toFixed(0);
  const { memory, openFiles } = all;
  return [
    ...Object.entries(all.kinds).map(([kind, count]) => `${kind.padEnd(20)} ${String(count).padStart(8)}`),
    '',
    ...Object.entries(all.words).map(([word, count]) => `${word.padEnd(20)} ${String(count).padStart(8)}`),
    '',
    `${all.calls} calls in ${all.seconds.toFixed(1)} s, slowest ${all.slowestMs.toFixed(0)} ms`,
    memory === null
      ? 'memory: not measured here'
      : `resident memory ${mebibytes(memory.warmBytes)} MiB after warming up, ${mebibytes(memory.endBytes)} MiB at the end`,
    openFiles === null ? '' : `open files ${openFiles.before} before, ${openFiles.after} after`,
    ...all.found.map((fault) => `FOUND ${fault}`),
    ...(all.found.length === 0 ? [] : [`again: --seed ${all.seed}`]),
    '',
  ].join('\n');
}
