import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatasetName } from '../study/data.js';
import type { Choice, Unit } from '../study/descend.js';

/** A task whose settings are chosen on seeds 100 to 119, before it is measured. */
export interface Problem {
  readonly name: string;
  readonly dataset: DatasetName;
  readonly unit: Unit;
  /** Null: no noise. δ is 1e-4. */
  readonly epsilon: number | null;
  /** What may be left out, one of these; if absent, nothing. Each entry of an update costs its noise. */
  readonly without?: readonly (readonly string[])[];
}

export interface Chosen extends Choice {
  /** Features that the task leaves out. */
  readonly without: readonly string[];
  readonly sigma16: number;
  /** Mean accuracy on the seeds that it was chosen on, in per cent. */
  readonly accuracy: number;
  /** Out of how many. */
  readonly tried: number;
}

export const DELTA_PICO = 100_000_000;

/** The features that most patients of the table lack, by the counts of datasets/SOURCES.md, one more each time. */
const lacking = [
  [],
  ['insulin'],
  ['insulin', 'skin_thickness'],
  ['insulin', 'skin_thickness', 'blood_pressure'],
];

export const problems: readonly Problem[] = [
  { name: 'pima', dataset: 'pima', unit: 'record', epsilon: null },
  { name: 'pima-3', dataset: 'pima', unit: 'record', epsilon: 3, without: lacking },
  { name: 'wdbc', dataset: 'wdbc', unit: 'record', epsilon: null },
  { name: 'wdbc-3', dataset: 'wdbc', unit: 'record', epsilon: 3 },
  { name: 'wdbc-1', dataset: 'wdbc', unit: 'record', epsilon: 1 },
  { name: 'pima-device-3', dataset: 'pima', unit: 'device', epsilon: 3, without: lacking },
  { name: 'wdbc-device-3', dataset: 'wdbc', unit: 'device', epsilon: 3 },
];

/** What `npm run bench -- choose` left: bench/learning/chosen.json. */
export const CHOSEN = join(import.meta.dirname, '..', '..', '..', 'bench', 'learning', 'chosen.json');

export function readChosen(name: string): Chosen {
  const all = JSON.parse(readFileSync(CHOSEN, 'utf8')) as Readonly<Record<string, Chosen>>;
  const chosen = all[name];
  if (chosen === undefined) throw new Error(`nothing chosen for ${name}: npm run bench -- choose`);
  return chosen;
}
