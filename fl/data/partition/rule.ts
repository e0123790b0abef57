import { drbg } from '../../../crypto/index.js';
import { createUniform, type Uniform } from '../../privacy/uniform.js';

/** What is dealt out: rows 0 .. labels.length - 1. */
export interface PartitionInput {
  /** [rows], the index of each row's class. */
  readonly labels: ArrayLike<number>;
  /** [rows], where each row comes from; null if that is not known. */
  readonly sites: readonly string[] | null;
  /** How many devices, from 1 on. */
  readonly parts: number;
  /** Rows that each device needs at least. */
  readonly rowsMin: number;
  /** 32 bytes; the same seed deals the same parts on one machine. */
  readonly seed: Uint8Array;
}

export type PartitionResult =
  | { readonly ok: true; readonly parts: readonly (readonly number[])[] }
  | {
      readonly ok: false;
      readonly reason: 'too-few-rows' | 'no-sites' | 'sites-unfit';
      readonly text: string;
    };

/** Deals the rows of one table to devices: every row to exactly one. */
export type PartitionRule = (input: PartitionInput) => PartitionResult;

export function tooFew(rows: number, parts: number, rowsMin: number): PartitionResult {
  const text = `${rows} rows cannot give each of ${parts} devices ${rowsMin}: take fewer devices or another partition`;
  return { ok: false, reason: 'too-few-rows', text };
}

export function uniformOf(seed: Uint8Array): Uniform {
  return createUniform(drbg(seed), 256);
}

/** The same numbers in random order, every order equally likely (Fisher-Yates). */
export function shuffled(numbers: readonly number[], uniform: Uniform): number[] {
  const order = [...numbers];
  for (let last = order.length - 1; last > 0; last--) {
    const chosen = uniform.below(last + 1);
    [order[last], order[chosen]] = [order[chosen]!, order[last]!];
  }
  return order;
}
