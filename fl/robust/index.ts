/** Verification: named rules that tell which updates of a round qualify, on integers only. */
import { alignment } from './alignment.js';
import { multiKrum } from './multiKrum.js';
import { none } from './none.js';
import type { VerificationRule } from './rule.js';

export type VerificationName = 'alignment' | 'multi-krum' | 'none';

export const verificationRules: Readonly<Record<VerificationName, VerificationRule>> = {
  alignment,
  'multi-krum': multiKrum,
  none,
};

export { accumulatorBytesMax } from './accumulator.js';
export { type AlignmentThresholds, alignmentThresholds, createAlignment } from './alignment.js';
export type { AlignmentState } from './alignmentState.js';
export * from './front/index.js';
export { squaredNorm } from './integers.js';
export * from './rule.js';
export * from './verifyRound.js';
