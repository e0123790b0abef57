import { existsSync } from 'node:fs';
import { z } from 'zod';
import { readBounded } from '../config.js';
import { writeWhole } from '../wholeFile.js';

const BYTES_MAX = 64 * 1024 * 1024;
const count = z.number().int().min(0);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const rho = z.string().regex(/^\d{1,20}$/);

const areaForm = z.strictObject({
  area: z.string(),
  /** Of each cluster. */
  clusters: z.array(count),
  /** How many of level 1, 2, ... */
  levels: z.array(count),
  /** Of the betweenness in the influence: exact where all are pivots. */
  betweenness: z.strictObject({ pivots: count, error: z.number(), standardError: z.number() }),
  /** The standard deviation of the noise on each number; null: none. */
  deviation: z.number().nullable(),
  /** Of records in the providers' stead: how many, and the chance that a provider's level is that of the nearest. */
  synthetic: z.strictObject({ records: count, keep: z.number() }).nullable().default(null),
  /** Of levels that come from leak reports; null: they come from the influence. */
  allocation: z
    .strictObject({
      pieces: count,
      windows: count,
      reported: count,
      readers: count,
      /** Settings of the area's own Q-network, which with the seed decide it; both null: it is that of `qNetwork`. */
      network: z
        .strictObject({
          hidden: z.array(count).readonly(),
          discount: z.number(),
          episodes: count,
          replay: count,
          batch: count,
          stepsPerGradient: count,
          targetEvery: count,
          learningRate: z.number(),
          weightDecay: z.number(),
          exploration: z.number(),
        })
        .nullable(),
      seed: z.string().nullable(),
      share: z.strictObject({ pool: z.number(), gated: z.number() }),
    })
    .nullable()
    .default(null),
  providers: z.array(
    z.strictObject({
      name: z.string(),
      /** null: where records stood in, nothing of a provider is looked at but for its level. */
      cluster: count.nullable(),
      influence: z.number().nullable(),
      level: z.number().int().min(1).max(255),
    }),
  ),
});

const resultForm = z.strictObject({
  version: z.literal(1),
  /** SHA-256 of the data file. */
  dataset: hash,
  /**
   * What all releases of this data cost each provider: ρ in 2⁻⁴⁰ of those with Gaussian noise, and beside it ε in 10⁻⁶
   * of levels that were given by lot; null: nothing, they are public.
   */
  spent: z
    .strictObject({ rho, releases: count, deltaPico: count, assignedMicro: count.default(0) })
    .nullable(),
  /** SHA-256 of what clusters and influence were made by: the same again needs no new noise. */
  key: hash,
  /** SHA-256 of the file of leak reports that the levels come from; null: from none. */
  reports: hash.nullable().default(null),
  /** SHA-256 of the file of the Q-network that made levels of them; null: each area's own did. */
  qNetwork: hash.nullable().default(null),
  areas: z.array(areaForm).min(1),
});

export type AreaResult = z.infer<typeof areaForm>;
/** What a run leaves, and what the next one starts from: levels and the budget together, so neither is without the other. */
export type PmtaResult = z.infer<typeof resultForm>;

export class ResultFileError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'shape';
}

/** The result of an earlier run; null: there is none. Throws ConfigError, ResultFileError. */
export function readResult(file: string): PmtaResult | null {
  if (!existsSync(file)) return null;
  let json: unknown;
  try {
    json = JSON.parse(readBounded(file, BYTES_MAX));
  } catch (error) {
    throw new ResultFileError(damaged(file, (error as Error).message));
  }
  const parsed = resultForm.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new ResultFileError(damaged(file, `${issue.path.join('.')}: ${issue.message}`));
}

const damaged = (file: string, why: string): string =>
  `${file} is no result of "pmta run" (${why}): it also holds what is spent of the budget, so restore it, or name a new file`;

/** Whole or not at all. */
export async function writeResult(file: string, result: PmtaResult): Promise<void> {
  await writeWhole(file, new TextEncoder().encode(`${JSON.stringify(result, null, 1)}\n`));
}
