import { z } from 'zod';
import { checkSchema, type DataSchema, MICRO } from './schema.js';

export type SchemaResult =
  | { readonly ok: true; readonly schema: DataSchema }
  | { readonly ok: false; readonly reason: string };

/** A number with up to six decimals, such as people write. Becomes a whole number of millionths. */
const decimal = z
  .number()
  .refine((value) => Math.abs(value) > 1e9 || Number(value.toFixed(6)) === value, 'more than six decimals')
  .transform((value) => Math.round(value * MICRO) + 0); // + 0: no negative zero

const featureFile = z.strictObject({
  name: z.string(),
  /** For people only. */
  unit: z.string().optional(),
  center: decimal,
  scale: decimal,
  min: decimal,
  max: decimal,
  /** Which cells are missing besides the empty ones. */
  missing: z.enum(['empty', 'zero']).default('empty'),
  /** Where the numbers come from. For people only, and asked for: they must not come from private rows. */
  source: z.string().optional(),
});

const schemaFile = z.strictObject({
  about: z.string().optional(),
  label: z.strictObject({ name: z.string(), positive: z.string(), negative: z.string() }),
  features: z.array(featureFile),
});

/**
 * Reads the JSON form of a schema (datasets/pima.schema.json is one): numbers in the column's own unit with up
 * to six decimals, label {name, positive, negative} as texts, per feature name, center, scale, min, max and
 * optionally missing ("empty" or "zero"), unit and source. Unknown fields are refused: a typing error would
 * else be a silent default.
 * Fails with one sentence that names the place.
 */
export function readSchema(json: unknown): SchemaResult {
  const parsed = schemaFile.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    return { ok: false, reason: `${issue.path.join('.') || 'the schema'}: ${issue.message}` };
  }
  const { label, features } = parsed.data;
  const schema: DataSchema = {
    features: features.map(({ name, center, scale, min, max, missing }) => ({
      name,
      centerMicro: center,
      scaleMicro: scale,
      minMicro: min,
      maxMicro: max,
      zeroIsMissing: missing === 'zero',
    })),
    label,
  };
  const problem = checkSchema(schema);
  return problem === null ? { ok: true, schema } : { ok: false, reason: problem };
}
