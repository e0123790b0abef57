import { bytes, type Infer, integer, nullable, record } from '../../chain/index.js';
import { unitCodec } from './state.js';

/** A device declares a dataset and the budget that it may ever spend on it. Once, for good. */
export const declareCodec = record({
  dataset: bytes(32),
  unit: unitCodec,
  epsilonMicro: integer(1, 64_000_000),
  deltaPico: integer(1, 100_000_000_000),
  /** Rényi order in which the ledger counts; null: in ρ, which draws no gain from units that are drawn in secret. */
  order: nullable(integer(2, 256)),
});
export type Declare = Infer<typeof declareCodec>;
