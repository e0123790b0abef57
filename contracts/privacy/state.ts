import { cell, type Infer, integer, nullable, oneOf, record, u64, uint } from '../../chain/index.js';
import { units } from '../../fl/index.js';

/** What one entry of the ledger protects. */
export const unitCodec = oneOf(...units);

/**
 * The budget of one declared dataset of one device, and what has been spent of it, across tasks.
 *
 * Unit: ε in 1e-6, δ in 1e-12, ρ (zero-concentrated DP) in 2^-40. `rhoCap` is where the exact Gaussian curve
 * of the sum reaches ε at δ, rounded down. A ledger that names a Rényi order α counts the divergence of that order
 * divided by α instead, which is the same ρ for a round in which every unit counts.
 */
export const ledgerCodec = record({
  unit: unitCodec,
  epsilonMicro: integer(1, 1_000_000_000),
  deltaPico: integer(1, 1_000_000_000_000),
  order: nullable(integer(2, 256)),
  rhoCap: u64,
  rhoSpent: u64,
  charges: integer(0, Number.MAX_SAFE_INTEGER),
});
export type Ledger = Infer<typeof ledgerCodec>;

/** By hex public key of the device and hex id of the dataset. */
export const ledgerCell = cell('privacy/ledger', ledgerCodec);

/** Datasets that one device may declare: each costs every node milliseconds and a place in the state. */
export const DATASETS_MAX = 64;

/** How many datasets a device has declared. By hex public key. */
export const declaredCell = cell('privacy/declared', uint);
