import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { runProgram, whole } from '../support/flags.js';
import { STRATEGIES, STRATEGY_NAMES, type StrategyName } from './byzantine/index.js';
import { heightTime } from './heightTime.js';
import { MUTANTS } from './mutants.js';
import { HEIGHTS } from './plan.js';
import { runBatches } from './pool.js';
import { realChain } from './realChain.js';
import {
  addTallies,
  type Batch,
  EMPTY_TALLY,
  repeatCommand,
  shareSeeds,
  splitBatch,
  type Tally,
} from './task.js';
import { simulate } from './world.js';

const USAGE = `Simulates the agreement under a bad network, crashes and dishonest members.

  npm run sim -- --seeds 100000 --json                  4, 5, 7 and 10 members, most seeds at 4
  npm run sim -- --seed 417 --members 4 --trace         one seed again, with everything that happens
  npm run sim -- --real-crypto                          fewer seeds on real blocks, seeds and signatures
  npm run sim -- --links 50 --members 20 --json         how long a height takes over such links

  --seeds N        how many (1000; with --real-crypto 100)
  --first N        the first one (0)
  --seed N         this one alone
  --members N,N    sizes of committee (4,5,7,10; with --seed 4)
  --heights N      heights to agree on (${HEIGHTS})
  --byzantine B,B  none, or what each of f dishonest members does, in this order; by the seed if left out:
                   ${STRATEGY_NAMES.join(', ')}
  --membership W   validators join and leave: always, never; left out, in some runs on a bad network
  --mutant M       something broken: ${Object.keys(MUTANTS).join(', ')}
  --real-crypto    the node's own committees, VRF seeds, blocks, votes and certificates instead of stubs
  --workers N      threads (as many as there are cores)
  --links MS       no seeds: height time over links of so many ms one way
  --trace          print everything that happens; for one seed
  --json           print one JSON object

Exit code 1 if anything was found: a fork, an honest member accused, a commit of what is not held, not valid or
not certified, or no progress after the network healed. 2 for wrong flags.`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    first: { type: 'string', default: '0' },
    seed: { type: 'string' },
    members: { type: 'string' },
    heights: { type: 'string', default: `${HEIGHTS}` },
    byzantine: { type: 'string' },
    membership: { type: 'string' },
    mutant: { type: 'string' },
    'real-crypto': { type: 'boolean', default: false },
    workers: { type: 'string', default: `${availableParallelism()}` },
    links: { type: 'string' },
    trace: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(USAGE);
else await runProgram(main);

async function main(): Promise<number> {
  const one = values.seed === undefined ? null : whole('seed', values.seed, 0, 2 ** 32 - 1);
  const given = values.members ?? (one === null && values.links === undefined ? '4,5,7,10' : '4');
  const sizes = given.split(',').map((size) => whole('members', size, 1, 100));
  if (values.links !== undefined) return printHeightTime(sizes, whole('links', values.links, 1, 10_000));
  const realCrypto = values['real-crypto'];
  const batch = {
    first: one ?? whole('first', values.first, 0, 2 ** 32 - 1),
    seeds: one === null ? whole('seeds', values.seeds ?? (realCrypto ? '100' : '1000'), 1, 100_000_000) : 1,
    heights: whole('heights', values.heights, 1, 1_000),
    byzantine: byzantineOf(values.byzantine),
    membership: membershipOf(values.membership),
    mutant: mutantOf(values.mutant),
    realCrypto,
    untilFound: false,
  };
  if (realCrypto && batch.mutant !== null && MUTANTS[batch.mutant]?.chain) {
    throw new RangeError('--mutant: this one breaks the stub chain, so not with --real-crypto');
  }
  if (values.trace) {
    if (batch.seeds !== 1 || sizes.length !== 1) throw new RangeError('--trace: for one seed of one size');
    printTrace({ ...batch, members: sizes[0]! });
  }
  return runAll(batch, sizes, whole('workers', values.workers, 1, 256));
}

async function runAll(
  batch: Omit<Batch, 'members'>,
  sizes: readonly number[],
  workers: number,
): Promise<number> {
  const since = stopwatch();
  const bySize: (Tally & Spent & { readonly members: number })[] = [];
  for (const { members, seeds } of shareSeeds(batch.seeds, sizes)) {
    if (seeds === 0) continue;
    const sizeSince = stopwatch();
    const batches = splitBatch({ ...batch, members, seeds }, batch.realCrypto ? 10 : 200);
    const tally = (await runBatches(batches, workers)).reduce(addTallies, EMPTY_TALLY);
    bySize.push({ members, ...tally, ...sizeSince(seeds) });
    if (!values.json) console.log(lineOf(`${members} members`, bySize[bySize.length - 1]!));
  }
  const total = { ...bySize.reduce<Tally>(addTallies, EMPTY_TALLY), ...since(batch.seeds) };
  const findings = total.findings.map((finding) => ({
    ...finding,
    repeat: repeatCommand({ ...batch, members: finding.members }, finding.seed),
  }));
  if (values.json) {
    const byMembers = bySize.map(({ members, ...tally }) => ({ members, ...summaryOf(tally) }));
    const { first, realCrypto } = batch;
    console.log(JSON.stringify({ first, realCrypto, workers, ...summaryOf(total), byMembers, findings }));
  } else {
    for (const { kind, detail, repeat } of findings) console.log(`${kind}: ${detail}\n  ${repeat}`);
    console.log(lineOf('all', total));
  }
  return findings.length === 0 ? 0 : 1;
}

interface Spent {
  readonly seconds: number;
  /** Of all threads. */
  readonly cpuSeconds: number;
  readonly seedsPerSecond: { readonly wall: number; readonly cpu: number };
}

function stopwatch(): (seeds: number) => Spent {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  return (seeds) => {
    const seconds = (performance.now() - startedAt) / 1_000;
    const { user, system } = process.cpuUsage(cpu);
    const cpuSeconds = (user + system) / 1_000_000;
    return {
      seconds: rounded(seconds),
      cpuSeconds: rounded(cpuSeconds),
      seedsPerSecond: { wall: rounded(seeds / seconds), cpu: rounded(seeds / cpuSeconds) },
    };
  };
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

function summaryOf({ found, findings: _, ...rest }: Tally & Spent) {
  const { fork: forks = 0, stalled: stalls = 0, ...others } = found;
  return { ...rest, forks, stalls, otherFindings: others };
}

function lineOf(
  what: string,
  { seeds, heights, found, mostPeriodsAfterHealing, seedsPerSecond }: Tally & Spent,
) {
  const findings = Object.entries(found).map(([kind, count]) => `${count} ${kind}`);
  const { wall, cpu } = seedsPerSecond;
  return [
    `${what}: ${seeds} seeds, ${heights} heights agreed`,
    findings.join(', ') || 'nothing found',
    `at most ${mostPeriodsAfterHealing} periods after healing`,
    `${wall} seeds/s (${cpu} a CPU second)`,
  ].join('; ');
}

function printTrace({ first, members, heights, byzantine, membership, mutant, realCrypto }: Batch): void {
  simulate({
    seed: first,
    members,
    heights,
    ...(byzantine === null ? {} : { byzantine }),
    ...(membership === null ? {} : { membership }),
    ...(mutant === null ? {} : { mutant: MUTANTS[mutant]! }),
    ...(realCrypto ? { chain: realChain(members) } : {}),
    trace: (line) => console.log(line),
  });
}

function printHeightTime(sizes: readonly number[], linkMs: number): number {
  for (const members of sizes) {
    const time = heightTime({ members, linkMs });
    const { heights, p50Ms, p95Ms, p50Delays, p95Delays } = time;
    const text = `${members} members, ${linkMs} ms one way, ${heights} heights: p50 ${p50Ms} ms (${p50Delays} delays), p95 ${p95Ms} ms (${p95Delays})`;
    console.log(values.json ? JSON.stringify(time) : text);
  }
  return 0;
}

function byzantineOf(names: string | undefined): readonly StrategyName[] | null {
  if (names === undefined) return null;
  if (names === 'none') return [];
  return names.split(',').map((name) => {
    if (Object.hasOwn(STRATEGIES, name)) return name as StrategyName;
    throw new RangeError(`--byzantine: none or some of ${STRATEGY_NAMES.join(', ')}`);
  });
}

function membershipOf(wanted: string | undefined): boolean | null {
  if (wanted === undefined) return null;
  if (wanted === 'always' || wanted === 'never') return wanted === 'always';
  throw new RangeError('--membership: always or never');
}

function mutantOf(name: string | undefined): string | null {
  if (name === undefined || Object.hasOwn(MUTANTS, name)) return name ?? null;
  throw new RangeError(`--mutant: one of ${Object.keys(MUTANTS).join(', ')}`);
}
