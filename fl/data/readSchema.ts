import { z } from 'zod';
import {
  categoryFeature,
  checkSchema,
  type DataSchema,
  type FeatureSchema,
  type LabelSchema,
  MICRO,
  numberFeature,
  WEIGHT_ONE,
} from './schema.js';

export type SchemaResult =
  | { readonly ok: true; readonly schema: DataSchema }
  | { readonly ok: false; readonly reason: string };

/** A number with up to six decimals, such as people write. Becomes a whole number of millionths. */
const decimal = z
  .number()
  .refine((value) => Math.abs(value) > 1e9 || Number(value.toFixed(6)) === value, 'more than six decimals')
  .transform((value) => Math.round(value * MICRO) + 0); // + 0: no negative zero

const shared = {
  name: z.string(),
  /** For people only. */
  unit: z.string().optional(),
  /** Which cells are missing besides the empty ones. */
  missing: z
    .union([
      z.literal('empty').transform(() => []),
      z.literal('zero').transform(() => ['0']),
      z.array(z.string()),
    ])
    .default([]),
  indicator: z.boolean().default(false),
  /** Where the numbers or categories come from. They must not come from private rows. */
  source: z.string(),
};

const numberFile = z.strictObject({
  ...shared,
  kind: z.literal('number').default('number'),
  count: z.number().default(1),
  center: decimal,
  scale: decimal,
  min: decimal,
  max: decimal,
});

const categoryFile = z.strictObject({
  ...shared,
  kind: z.literal('category'),
  categories: z.array(z.string()),
});

const weight = z.number().transform((value) => Math.round(value * WEIGHT_ONE));
const labelFile = z.union([
  z.strictObject({
    name: z.string(),
    positive: z.string(),
    negative: z.string(),
    /** What a row weighs in training; 1 if not given. */
    positiveWeight: weight.optional(),
    negativeWeight: weight.optional(),
  }),
  z.strictObject({ name: z.string(), classes: z.array(z.string()), weights: z.array(weight).default([]) }),
]);

const schemaFile = z.strictObject({
  about: z.string().optional(),
  label: labelFile,
  features: z.array(z.unknown()),
  subject: z.string().nullable().default(null),
  site: z.string().nullable().default(null),
});

/**
 * Reads the JSON form of a schema (docs/data.md; datasets/pima.schema.json is one): numbers in the column's own
 * unit with up to six decimals. Unknown fields are refused: a typing error would else be a silent default.
 * Fails with one sentence that names the place.
 */
export function readSchema(json: unknown): SchemaResult {
  const parsed = schemaFile.safeParse(json);
  if (!parsed.success) return fault(parsed.error.issues[0]!, []);
  const { label, subject, site } = parsed.data;
  const features: FeatureSchema[] = [];
  for (const [index, feature] of parsed.data.features.entries()) {
    const isCategory = (feature as { kind?: unknown } | null)?.kind === 'category';
    const read = isCategory ? categoryFile.safeParse(feature) : numberFile.safeParse(feature);
    if (!read.success) return fault(read.error.issues[0]!, ['features', index]);
    features.push(featureOf(read.data));
  }
  const schema: DataSchema = { features, label: labelOf(label), subject, site };
  const problem = checkSchema(schema);
  return problem === null ? { ok: true, schema } : { ok: false, reason: problem };
}

function fault(issue: z.core.$ZodIssue, at: readonly PropertyKey[]): SchemaResult {
  const place = [...at, ...issue.path].join('.');
  return { ok: false, reason: `${place || 'the schema'}: ${issue.message}` };
}

function featureOf(file: z.output<typeof numberFile> | z.output<typeof categoryFile>): FeatureSchema {
  const { name, missing, indicator, source } = file;
  if (file.kind === 'category')
    return categoryFeature({ name, categories: file.categories, missing, indicator, source });
  const { count, center, scale, min, max } = file;
  const numbers = { centerMicro: center, scaleMicro: scale, minMicro: min, maxMicro: max };
  return numberFeature({ name, count, ...numbers, missing, indicator, source });
}

function labelOf(file: z.output<typeof labelFile>): LabelSchema {
  if ('classes' in file) return { name: file.name, classes: file.classes, weights16: file.weights };
  const { name, positive, negative, positiveWeight, negativeWeight } = file;
  const isWeighted = positiveWeight !== undefined || negativeWeight !== undefined;
  const weights16 = isWeighted ? [negativeWeight ?? WEIGHT_ONE, positiveWeight ?? WEIGHT_ONE] : [];
  return { name, classes: [negative, positive], weights16 };
}

/** The JSON form of a schema, which readSchema turns into the same schema again. */
export function schemaJson({ features, label, subject, site }: DataSchema): unknown {
  const weights = label.weights16.map((weight16) => weight16 / WEIGHT_ONE);
  return {
    label: { name: label.name, classes: label.classes, ...(weights.length > 0 && { weights }) },
    ...(subject !== null && { subject }),
    ...(site !== null && { site }),
    features: features.map((feature) => {
      const { name, kind, count, categories, missing, indicator, source } = feature;
      const rest = { missing, indicator, source };
      if (kind === 'category') return { name, kind, categories, ...rest };
      const { centerMicro, scaleMicro, minMicro, maxMicro } = feature;
      const numbers = { center: centerMicro, scale: scaleMicro, min: minMicro, max: maxMicro };
      const decimals = Object.fromEntries(
        Object.entries(numbers).map(([key, micro]) => [key, Number((micro / MICRO).toFixed(6))]),
      );
      return { name, ...(count > 1 && { count }), ...decimals, ...rest };
    }),
  };
}
