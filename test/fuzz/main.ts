import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createTestChain, playRound, startTask, taskSpec } from '../support/chain.js';
import { runProgram, whole } from '../support/flags.js';
import { serveNode } from '../support/servedNode.js';
import { fuzz } from './run.js';
import { createTargets } from './targets.js';

/**
 * Every decoder, with valid encodings, changed ones and random bytes: no crash but the typed error, no hang, no
 * memory blow-up, and what is accepted is written as it was read.
 *
 *   npm run fuzz -- [--inputs 1000000] [--seed N] [--json]
 */
const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
    json: { type: 'boolean', default: false },
  },
});

await runProgram(async () => {
  const inputs = whole('inputs', values.inputs, 1, 1_000_000_000);
  const seed = whole('seed', values.seed, 0, 2 ** 32 - 1);
  if (!values.json) process.stdout.write(`seed ${seed}\n`);
  const test = createTestChain();
  startTask(test, taskSpec());
  playRound(test);
  const node = await serveNode(test);
  const folder = await mkdtemp(join(tmpdir(), 'consilium-fuzz-'));
  try {
    const targets = await createTargets(node.context, folder);
    const [began, cpu] = [performance.now(), process.cpuUsage()];
    const { counts, finding } = await fuzz(targets, inputs, seed);
    const seconds = (performance.now() - began) / 1_000;
    const { user, system } = process.cpuUsage(cpu);
    const result = { seed, inputs, seconds, cpuSeconds: (user + system) / 1e6, counts, finding };
    if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    else process.stdout.write(tell(result));
    return finding === null ? 0 : 1;
  } finally {
    await node.close();
    await rm(folder, { recursive: true, force: true });
  }
});

function tell(
  result: Awaited<ReturnType<typeof fuzz>> & { seed: number; seconds: number; cpuSeconds: number },
): string {
  const lines = result.counts.map(
    ({ name, inputs, accepted, slowestMs }) =>
      `${name.padEnd(28)} ${String(inputs).padStart(8)} inputs, ${String(accepted).padStart(7)} accepted, slowest ${slowestMs.toFixed(1)} ms`,
  );
  const all = result.counts.reduce((sum, { inputs }) => sum + inputs, 0);
  lines.push(`${all} inputs in ${result.seconds.toFixed(1)} s (CPU ${result.cpuSeconds.toFixed(1)} s)`);
  const { finding } = result;
  if (finding !== null) {
    const { target, kind, detail, input } = finding;
    lines.push(
      `FOUND ${kind} in ${target}: ${detail}`,
      `input ${input.slice(0, 4_000)}`,
      `again: --seed ${result.seed}`,
    );
  }
  return `${lines.join('\n')}\n`;
}
