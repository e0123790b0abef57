import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { type Measured, round, type Section } from './section.js';

/** What docs/results/NAME.json holds: what a section found, and how it came about. */
export interface Kept extends Measured {
  readonly section: string;
  readonly title: string;
  readonly method: readonly string[];
  readonly measured: Circumstances;
}

export interface Circumstances {
  /** First and last seed of the splits; null if the section has none. */
  readonly seeds: readonly [number, number] | null;
  /** UTC, to the minute. */
  readonly at: string;
  /** Of the code that ran; "+" behind it: with changes that were not committed. Null: no git. */
  readonly commit: string | null;
  readonly machine: string;
  readonly node: string;
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

const TUNING_FROM = 100;

/** Runs one section on the first so many seeds. */
export async function measure(section: Section, splits: number, data: string | null = null): Promise<Kept> {
  const count = Math.min(splits, section.splitsMax ?? splits);
  const from = (first: number) => Array.from({ length: count }, (_, at) => first + at);
  const started = performance.now();
  const cpu = process.cpuUsage();
  const commit = commitOf();
  const found = await section.run({
    seeds: from(0),
    tuning: from(TUNING_FROM),
    data,
    say: (line) => process.stderr.write(`${section.name}: ${line}\n`),
  });
  const { user, system } = process.cpuUsage(cpu);
  return {
    section: section.name,
    title: section.title,
    method: section.method,
    measured: {
      seeds: seedsOf(section, splits),
      at: `${new Date().toISOString().slice(0, 16)}Z`,
      commit,
      machine: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${round(totalmem() / 2 ** 30, 0)} GiB`,
      node: process.version,
      cpuSeconds: round((user + system) / 1e6, 1),
      wallSeconds: round((performance.now() - started) / 1000, 1),
    },
    ...found,
  };
}

/** docs/results, found from dist. */
export const RESULTS = join(import.meta.dirname, '..', '..', '..', 'docs', 'results');

export function keep(kept: Kept, folder = RESULTS): void {
  writeFileSync(join(folder, `${kept.section}.json`), `${JSON.stringify(kept, notFinite, 1)}\n`);
}

/** All that is kept, by section. */
export function readKept(folder: string): ReadonlyMap<string, Kept> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return new Map(
    names.map((name) => {
      const kept = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Kept;
      if (`${kept.section}.json` !== name) throw new Error(`${name} holds section ${kept.section}`);
      return [kept.section, kept];
    }),
  );
}

/** First and last. */
export function seedsOf({ seeded, tunes, splitsMax }: Section, splits: number): [number, number] | null {
  const first = tunes === true ? TUNING_FROM : 0;
  return seeded ? [first, first + Math.min(splits, splitsMax ?? splits) - 1] : null;
}

const NOTES = '.notes.md';

/** The texts beside the results, by section. */
export function readNotes(folder: string): ReadonlyMap<string, string> {
  const names = readdirSync(folder).filter((name) => name.endsWith(NOTES));
  return new Map(
    names.map((name) => [name.slice(0, -NOTES.length), readFileSync(join(folder, name), 'utf8')] as const),
  );
}

function notFinite(key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${key} is ${value}`);
  return value;
}

function commitOf(): string | null {
  const git = (...args: string[]) =>
    execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed =
      git('status', '--porcelain', '-uno', '--', ':/bench', ':/fl', ':/pmta', ':/crypto', ':/datasets') !==
      '';
    return git('rev-parse', '--short=10', 'HEAD') + (changed ? '+' : '');
  } catch {
    return null;
  }
}
