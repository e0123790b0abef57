import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { runProgram, whole } from '../support/flags.js';
import { MUTANTS } from './mutants.js';
import { HEIGHTS } from './plan.js';
import { runBatches } from './pool.js';
import { type Batch, repeatCommand, type Tally } from './task.js';

const USAGE = `Breaks one rule after the other and counts the seeds until the simulation notices.

  npm run sim:mutants -- --json

  --only M,M       some of ${Object.keys(MUTANTS).join(', ')}
  --bases N        searches a mutant, each from another first seed (5)
  --seeds N        longest search (50000)
  --members N      members (4)
  --first N        the first search's first seed (0)
  --workers N      threads (as many as there are cores)
  --json           print one JSON object

Exit code 1 if a search ended without a finding: the simulation would not have noticed. 2 for wrong flags.`;

/** From one search's first seed to the next one's. */
const BASE_STEP = 1_000_000;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    bases: { type: 'string', default: '5' },
    seeds: { type: 'string', default: '50000' },
    members: { type: 'string', default: '4' },
    first: { type: 'string', default: '0' },
    workers: { type: 'string', default: `${availableParallelism()}` },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(USAGE);
else await runProgram(main);

async function main(): Promise<number> {
  const names = values.only?.split(',') ?? Object.keys(MUTANTS);
  const unknown = names.find((name) => !Object.hasOwn(MUTANTS, name));
  if (unknown !== undefined) throw new RangeError(`--only: there is no mutant ${unknown}`);
  const bases = whole('bases', values.bases, 1, 1_000);
  const first = whole('first', values.first, 0, 2 ** 31);
  const search: Omit<Batch, 'first' | 'mutant'> = {
    seeds: whole('seeds', values.seeds, 1, BASE_STEP),
    members: whole('members', values.members, 1, 100),
    heights: HEIGHTS,
    byzantine: null,
    membership: null,
    realCrypto: false,
    untilFound: true,
  };
  const startedAt = performance.now();
  const searches = names.flatMap((mutant) =>
    Array.from({ length: bases }, (_, base) => ({ ...search, mutant, first: first + base * BASE_STEP })),
  );
  const tallies = await runBatches(searches, whole('workers', values.workers, 1, 256));
  const mutants = names.map((name, i) => resultOf(name, search, tallies.slice(i * bases, (i + 1) * bases)));
  const survived = mutants.filter(({ caught }) => caught < bases).map(({ mutant }) => mutant);
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  if (values.json) {
    const { members } = search;
    console.log(JSON.stringify({ mutants, count: names.length, survived, bases, members, seconds }));
  } else {
    for (const { mutant, caught, seedsMedian, seedsMost, findings, repeat } of mutants) {
      const kinds = Object.entries(findings).map(([kind, count]) => `${count} ${kind}`);
      console.log(
        `${mutant}: ${caught}/${bases}, seeds ${seedsMedian} (at most ${seedsMost}), ${kinds.join(', ')}`,
      );
      if (repeat !== null) console.log(`  ${repeat}`);
    }
    console.log(`${names.length} mutants in ${seconds} s, not noticed: ${survived.join(', ') || 'none'}`);
  }
  return survived.length === 0 ? 0 : 1;
}

/** Seeds needed over all searches of one mutant; one that found nothing counts with all its seeds. */
function resultOf(mutant: string, search: Omit<Batch, 'first' | 'mutant'>, tallies: readonly Tally[]) {
  const seeds = tallies.map((tally) => tally.seeds).sort((a, b) => a - b);
  const findings: Record<string, number> = {};
  for (const { found } of tallies) {
    for (const [kind, count] of Object.entries(found)) findings[kind] = (findings[kind] ?? 0) + count;
  }
  const [example] = tallies.flatMap((tally) => tally.findings);
  return {
    mutant,
    caught: tallies.filter((tally) => tally.findings.length > 0).length,
    seedsMedian: seeds[seeds.length >> 1]!,
    seedsMost: seeds[seeds.length - 1]!,
    findings,
    repeat: example ? repeatCommand({ ...search, mutant }, example.seed) : null,
  };
}
