import { parseArgs } from 'node:util';
import { BEHAVIOURS, type BehaviourName } from './byzantine.js';
import { MUTANTS } from './mutants.js';
import { realSigner } from './signer.js';
import { type SimOptions, type SimOutcome, simulate } from './world.js';

const USAGE = `Simulates the agreement under a bad network, crashes and dishonest members.

  npm run sim -- --seeds 1000 --members 4          seeds 0 to 999
  npm run sim -- --first 417 --seeds 1 --trace     one seed again, with every vote and commit

  --seeds N        how many (1000)
  --first N        the first one (0)
  --members N      members, all of them validators (4)
  --heights N      heights to agree on (3)
  --behaviour B    none, ${Object.keys(BEHAVIOURS).join(', ')}; by the seed if left out
  --mutant M       run a broken machine: ${Object.keys(MUTANTS).join(', ')}
  --real           Ed25519 signatures instead of stubs
  --trace          print every vote and commit
  --json           print one JSON object

Exit code 1 if anything was found: a fork, an honest member accused, a value committed without being held, or
no progress after the network healed.`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    first: { type: 'string', default: '0' },
    members: { type: 'string', default: '4' },
    heights: { type: 'string', default: '3' },
    behaviour: { type: 'string' },
    mutant: { type: 'string' },
    real: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  console.log(USAGE);
} else {
  try {
    process.exitCode = main();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.error(error.message);
    process.exitCode = 2;
  }
}

function main(): number {
  const seeds = whole('seeds', 1, 100_000_000);
  const first = whole('first', 0, 2 ** 32 - 1);
  const members = whole('members', 1, 100);
  const heights = whole('heights', 1, 1_000);
  const behaviour = behaviourOf(values.behaviour);
  const mutant = values.mutant === undefined ? {} : MUTANTS[values.mutant];
  if (!mutant) throw new RangeError(`--mutant: one of ${Object.keys(MUTANTS).join(', ')}`);

  const startedAt = performance.now();
  const found: SimOutcome[] = [];
  let events = 0;
  let emptyBlocks = 0;
  let periodMax = 0;
  for (let seed = first; seed < first + seeds; seed++) {
    const options: SimOptions = {
      seed,
      members,
      heights,
      ...(behaviour === undefined ? {} : { behaviour }),
      ...mutant,
      ...(values.real ? { signer: realSigner(members) } : {}),
      ...(values.trace ? { trace: (line: string) => console.log(line) } : {}),
    };
    const outcome = simulate(options);
    events += outcome.events;
    emptyBlocks += outcome.emptyBlocks;
    periodMax = Math.max(periodMax, outcome.periodMax);
    if (outcome.finding) found.push(outcome);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  report({ seeds, members, heights, found, events, emptyBlocks, periodMax, seconds });
  return found.length === 0 ? 0 : 1;
}

function report(run: {
  readonly seeds: number;
  readonly members: number;
  readonly heights: number;
  readonly found: readonly SimOutcome[];
  readonly events: number;
  readonly emptyBlocks: number;
  readonly periodMax: number;
  readonly seconds: number;
}): void {
  const { found, seconds, ...rest } = run;
  const findings = found.map(({ seed, behaviour, finding }) => ({
    seed,
    behaviour: behaviour ?? 'none',
    ...finding,
    repeat: commandOf(seed),
  }));
  if (values.json) {
    const seedsPerSecond = Math.round(run.seeds / seconds);
    console.log(JSON.stringify({ ...rest, seconds, seedsPerSecond, findings }));
    return;
  }
  for (const { kind, detail, behaviour, repeat } of findings.slice(0, 20)) {
    console.log(`${kind} (${behaviour}): ${detail}\n  ${repeat}`);
  }
  const rate = `${seconds.toFixed(1)} s, ${Math.round(run.seeds / seconds)} seeds/s`;
  const what = `${run.emptyBlocks} empty blocks, highest period ${run.periodMax}, ${run.events} events`;
  console.log(`${run.seeds} seeds, ${run.members} members: ${findings.length} findings; ${what}; ${rate}`);
}

function commandOf(seed: number): string {
  const flags = ['members', 'heights', 'behaviour', 'mutant'] as const;
  const given = flags.flatMap((flag) => (values[flag] === undefined ? [] : [`--${flag} ${values[flag]}`]));
  return `npm run sim -- --first ${seed} --seeds 1 ${given.join(' ')}${values.real ? ' --real' : ''} --trace`;
}

function whole(flag: 'seeds' | 'first' | 'members' | 'heights', low: number, high: number): number {
  const value = Number(values[flag]);
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new RangeError(`--${flag}: a whole number from ${low} to ${high}`);
  }
  return value;
}

function behaviourOf(name: string | undefined): BehaviourName | null | undefined {
  if (name === undefined) return undefined;
  if (name === 'none') return null;
  if (name in BEHAVIOURS) return name as BehaviourName;
  throw new RangeError(`--behaviour: none or one of ${Object.keys(BEHAVIOURS).join(', ')}`);
}
