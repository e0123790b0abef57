import { cell, uint } from '../../chain/index.js';

/**
 * Up to which height a validator's offences are paid for: the height of the block that held the last evidence
 * against it. By hex public key; none: nothing was ever proved. So one offence, and all that were committed
 * together with it, cost one seat once.
 */
export const punishedThroughCell = cell('evidence/punishedThrough', uint);
