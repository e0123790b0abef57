import { z } from 'zod';
import { ledgerCell } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { epsilonMicroOfLedger, units } from '../../../fl/index.js';
import { RpcError } from '../errors.js';
import { bytes32, count, u64 } from '../schemas.js';
import { stateOf } from './find.js';
import { defineMethod } from './method.js';

export const privacyLedger = defineMethod({
  summary: 'The privacy budget that a device declared for a dataset, and what has been spent of it.',
  params: z.strictObject({ device: bytes32, dataset: bytes32 }),
  result: z.object({
    unit: z.enum(units),
    epsilonMicro: count,
    deltaPico: count,
    /** Rényi order in which it counts; null: in ρ. */
    order: count.nullable(),
    /** ρ of zero-concentrated privacy in 2^-40; with an order, the divergence of that order divided by it. */
    rhoCap: u64,
    rhoSpent: u64,
    /** The ε that rhoSpent amounts to at δ, rounded up. */
    epsilonSpentMicro: count,
    charges: count,
  }),
  run: ({ context }, { device, dataset }) => {
    const ledger = ledgerCell.get(stateOf(context), bytesToHex(device), bytesToHex(dataset));
    if (ledger === null) throw new RpcError('not-found', 'this device has declared no such dataset');
    return {
      ...ledger,
      rhoCap: ledger.rhoCap.toString(),
      rhoSpent: ledger.rhoSpent.toString(),
      epsilonSpentMicro: epsilonMicroOfLedger(ledger),
    };
  },
});
