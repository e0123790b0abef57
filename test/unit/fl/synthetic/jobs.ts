import { drbg, type RandomBytes, utf8ToBytes } from '../../../../crypto/index.js';
import {
  categoryFeature,
  conform,
  type DataSchema,
  encodedWidth,
  normalDraws,
  numberFeature,
  placesOf,
  type SynthesisJob,
} from '../../../../fl/index.js';

export function seeded(text: string): RandomBytes {
  return drbg(utf8ToBytes(text));
}

const number = (name: string, indicator: boolean) =>
  numberFeature({
    name,
    centerMicro: 0,
    scaleMicro: 1_000_000,
    minMicro: -4_000_000,
    maxMicro: 5_000_000,
    indicator,
    missing: [],
    source: 'a test',
  });

/** Two numbers, one of which may be missing, and a category of three: six columns. */
export const schema: DataSchema = {
  features: [
    number('a', false),
    number('b', true),
    categoryFeature({ name: 'c', categories: ['x', 'y', 'z'], source: 'a test' }),
  ],
  label: { name: 'sick', classes: ['0', '1'], weights16: [] },
  subject: null,
  site: null,
};

/** A third are of class 1, whose `a` is 2 higher; b follows a and is missing for some; the category follows the class. */
export function table(records: number, text: string): { x: Float32Array; y: Float32Array } {
  const width = encodedWidth(schema);
  const random = seeded(text);
  const y = Float32Array.from({ length: records }, (_, row) => (row % 3 === 0 ? 1 : 0));
  const x = new Float32Array(records * width);
  const normal = normalDraws(records * width, random);
  for (let row = 0; row < records; row++) {
    const at = row * width;
    x[at] = normal[at]! + (y[row] === 1 ? 1 : -1);
    x[at + 1] = 0.8 * x[at]! + 0.6 * normal[at + 1]!;
    x[at + 2] = normal[at + 2]! > 1 ? 1 : 0;
    x[at + 3 + (y[row] === 1 ? 0 : 1 + (row % 2))] = 1;
  }
  conform(x, placesOf(schema), width);
  return { x, y };
}

export function jobOf(records: number, more: Partial<SynthesisJob> = {}): SynthesisJob {
  const budget = { epsilonMicro: 8_000_000, deltaPico: 10_000_000 };
  return { schema, ...table(records, 'table'), ...budget, rows: 400, ...more };
}

/** Mean of a column over the rows of a class. */
export function meanOf(x: Float32Array, y: Float32Array, column: number, label: number): number {
  const width = encodedWidth(schema);
  const rows = [...y.keys()].filter((row) => y[row] === label);
  return rows.reduce((sum, row) => sum + x[row * width + column]!, 0) / rows.length;
}
