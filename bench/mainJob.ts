import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { median, type Row } from './row.js';

interface Result {
  readonly accuracy: number;
  readonly accuracyCentral: number;
  readonly accuracyMajority: number;
  readonly seconds: number;
  readonly finalityMsP50: number;
  readonly finalityMsP95: number;
  readonly updateBytes: number;
  readonly blocks: number;
  readonly verified: boolean;
}

/**
 * The main job as a user runs it: `consilium demo --json`, processes and all, one run a seed.
 *
 * Medians over the runs. Accuracies belong to single splits: their means over many splits are another bench's.
 */
export async function mainJob(args: readonly string[]): Promise<readonly Row[]> {
  const runs = Number(args[0] ?? 3);
  const results: Result[] = [];
  for (let seed = 1; seed <= runs; seed += 1) {
    results.push(await demo(['--seed', String(seed)]));
    process.stderr.write(`seed ${seed}: ${JSON.stringify(results.at(-1))}\n`);
  }
  const of = (pick: (result: Result) => number) => median(results.map(pick));
  const seconds = of((result) => result.seconds);
  const finality = of((result) => result.finalityMsP50);
  const central = `central ${percent(of((result) => result.accuracyCentral))}, majority ${percent(of((result) => result.accuracyMajority))}`;
  const passed = results.filter((result) => result.verified).length;
  return [
    { name: 'main job', value: seconds, unit: 's', goal: '<= 90', met: seconds <= 90, reference: null },
    {
      name: 'finality p50',
      value: finality,
      unit: 'ms',
      goal: '<= 300',
      met: finality <= 300,
      reference: null,
    },
    row(
      'finality p95',
      of((result) => result.finalityMsP95),
      'ms',
      null,
    ),
    row('accuracy', of((result) => result.accuracy) * 100, '%', central),
    row(
      'update',
      of((result) => result.updateBytes),
      'bytes',
      '36 bytes as float32',
    ),
    row(
      'blocks',
      of((result) => result.blocks),
      'blocks',
      null,
    ),
    {
      name: 'audits passed',
      value: passed,
      unit: `of ${runs}`,
      goal: `= ${runs}`,
      met: passed === runs,
      reference: null,
    },
  ];
}

function row(name: string, value: number, unit: string, reference: string | null): Row {
  return { name, value, unit, goal: null, met: null, reference };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function demo(options: readonly string[]): Promise<Result> {
  const cli = join(import.meta.dirname, '..', 'node', 'cli', 'main.js');
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [cli, 'demo', '--json', ...options],
      { timeout: 600_000, maxBuffer: 16 * 1024 * 1024 },
      (error, stdout) => {
        if (error !== null) return reject(error);
        resolve(JSON.parse(stdout.trim().split('\n').at(-1)!) as Result);
      },
    );
  });
}
