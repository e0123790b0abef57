import { strict as assert } from 'node:assert';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UNITS_MAX } from '../../contracts/index.js';
import { utf8ToBytes } from '../../crypto/index.js';
import { createSummary, type DataSchema, readSchema } from '../../fl/index.js';
import {
  createRandom,
  defaultDqn,
  FEATURE_MOST,
  featureNames,
  type LabelledRows,
  labelledRows,
  type Random,
  type ReadPiece,
} from '../../pmta/index.js';
import { readersOf } from './allocation.js';
import { type QNetwork, qModel } from './qNetwork.js';
import type { AreaResult } from './resultFile.js';

/** Of what an area's device trains on. */
export interface RowsOptions {
  /** What the task before ended with; null: this is the first. */
  readonly target: QNetwork | null;
  /** Decides, with the area's name, which rows and labels are drawn. */
  readonly seed: string;
}

/**
 * The column of the labels. A later task's names its target network, so that only devices whose rows are labelled by the
 * same one take part in it: another label is another schema.
 */
export function rowsLabel(target: QNetwork | null): string {
  return target === null ? 'lost' : `lost-after-${target.model.slice(0, 16)}`;
}

/**
 * An area's leak reports as labelled rows, its classes as large as its levels are.
 *
 * The first task's labels follow from the costs of steps alone, a later one's also from its target network. Of more rows
 * than a device may have (UNITS_MAX) so many are drawn. The area's clusters must be known: those of synthetic records
 * are not. Deterministic from the seed on one kind of machine (exp). Cost: with the providers' square, and with windows;
 * of six windows less than 0.1 s for 150 providers, and for 2,000 0.6 s, with a target network 3 s (one run, Node 20.20).
 */
export function areaRows(
  { area, providers, levels }: AreaResult,
  pieces: readonly ReadPiece[],
  { target, seed }: RowsOptions,
): LabelledRows {
  const clusters = providers.map(({ cluster }) => cluster!);
  const random = createRandom(utf8ToBytes(`pmta rows ${rowsLabel(target)} ${area} ${seed}`));
  // As in `levelsByReports`: the highest level is filled first.
  const log = { area: { clusters, sizes: levels.toReversed(), readers: readersOf(pieces) }, pieces };
  const discount = target === null ? 0 : defaultDqn.discount;
  const rows = labelledRows(log, defaultDqn.hidden, target?.weights ?? null, discount, random);
  return drawn(rows, UNITS_MAX, random);
}

/** So many of the rows, in their order (selection sampling: Knuth, The Art of Computer Programming 2, 3.4.2 S). */
function drawn({ x, y }: LabelledRows, most: number, random: Random): LabelledRows {
  if (y.length <= most) return { x, y };
  const kept: number[] = [];
  for (let row = 0; row < y.length; row++)
    if (random.unit() * (y.length - row) < most - kept.length) kept.push(row);
  const width = featureNames.length;
  return {
    x: Float32Array.from(kept.flatMap((row) => [...x.subarray(row * width, (row + 1) * width)])),
    y: Float32Array.from(kept, (row) => y[row]!),
  };
}

/** The schema of such rows, as people write one: every area has the same for the same label. */
export function rowsSchemaJson(label: string) {
  return {
    about: 'Steps of an allocation of providers to levels: docs/pmta.md.',
    label: { name: label, positive: '1', negative: '0' },
    features: featureNames.map((name) => ({
      name,
      center: 0,
      scale: 1,
      min: -FEATURE_MOST,
      max: FEATURE_MOST,
      source: 'pmta/dqn/environment.ts, which keeps features within these bounds',
    })),
  };
}

/** The same as a task has it. */
export function rowsSchema(label: string): DataSchema {
  const read = readSchema(rowsSchemaJson(label));
  assert.ok(read.ok, 'the schema of rows is one');
  return read.schema;
}

/** Why a device would not take these rows, for people; null: it would. */
export function rowsFault({ x, y }: LabelledRows, schema: DataSchema): string | null {
  const summary = createSummary(schema, { batchRows: 1, allow: [] });
  for (const [row, label] of y.entries()) summary.addRow(x, row * featureNames.length, label, null, null);
  const { findings } = summary.result();
  return findings.length === 0 ? null : findings.map(({ text }) => text).join('; ');
}

/** The rows as the CSV that the schema describes. */
export function rowsCsv({ x, y }: LabelledRows, label: string): string {
  const width = featureNames.length;
  const lines = Array.from(y, (own, row) => [...x.subarray(row * width, (row + 1) * width), own].join(','));
  return `${[[...featureNames, label].join(','), ...lines].join('\n')}\n`;
}

/**
 * The task that trains the network on the rows of so many areas, for `task publish`: the same in every area, with the
 * settings of the study (docs/results/allocation.notes.md). weightsSeed: 64 hex digits.
 */
export function rowsTask(target: QNetwork | null, areas: number, weightsSeed: string): string {
  const before = target === null ? '' : `, after model ${target.model.slice(0, 16)}`;
  return `{
  "title": "Q-network of ${areas} areas${before}",
  "level": 1, // of the areas' devices

  // What "consilium pmta run --q-network" takes: change nothing here.
  "model": ${JSON.stringify(qModel)},
  "weightsSeed": "${weightsSeed}", // initial weights follow from it
  "schema": "schema.json",

  "learningRate": 1,
  "rounds": 20, // the model they end with is the target network of the next task
  "clip": 8, // a label of 1 is rare and its gradient long: a short one makes it seem rarer

  // Rows say who read and who was reported, which every node has, and clusters that were paid for: no noise.
  "privacy": null,
  "publicData": true,

  // With fewer than five areas no rule can tell one from the rest. docs/robustness.md compares them.
  "verification": "none",
  "faulty": 0,

  "devices": ${areas}, // one an area
  "quorum": ${Math.ceil((2 * areas) / 3)}, // updates without which a round fails
  "deadlineMs": 30000 // how long a round waits for lost devices
}
`;
}

/** Writes files into a folder that is new or empty, all or none. Throws what the disk says. */
export function writeFolder(folder: string, files: Readonly<Record<string, string>>): void {
  const part = `${resolve(folder)}.part-${process.pid}`;
  try {
    mkdirSync(part, { mode: 0o700 });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(part, name), text, { mode: 0o600 });
    renameSync(part, folder); // fails over a folder with anything in it
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

/** A folder that `writeFolder` can make. */
export function isFree(folder: string): boolean {
  return !existsSync(folder) || (statSync(folder).isDirectory() && readdirSync(folder).length === 0);
}
