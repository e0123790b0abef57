import { type Step, verifyProposal, verifyVote } from '../chain/index.js';
import { equalBytes } from '../crypto/index.js';

/**
 * One thing that a validator signed at a height: a proposal (period 0) or a vote. `value` is a block hash
 * (32 bytes), null for ⊥; `signature` has 64 bytes.
 */
export interface Statement {
  readonly step: 'propose' | Step;
  readonly period: number;
  readonly value: Uint8Array | null;
  readonly signature: Uint8Array;
}

/** Two statements of one validator (32-byte public key) at one height that no honest one makes both. */
export interface Evidence {
  readonly accused: Uint8Array;
  readonly height: number;
  readonly first: Statement;
  readonly second: Statement;
}

export type EvidenceFault =
  /** An honest validator may sign both. */
  | 'lawful'
  /** One of the signatures is not that of the accused under that statement, on this chain. */
  | 'bad-signature';

/**
 * Whether the evidence proves an offence of the accused: null if it does. Whether the accused had a seat at that
 * height is the caller's question.
 *
 * Offences, and no others: two proposals; two soft or two cert values in one period;
 * cert(v) with next(x ≠ v) in one period. Several next values in one period are lawful, in any number.
 * Cost: two signature checks.
 */
export function evidenceFault(chainId: Uint8Array, evidence: Evidence): EvidenceFault | null {
  const { accused, height, first, second } = evidence;
  if (!isOffence(first, second)) return 'lawful';
  const signed = [first, second].every((statement) => isSigned(chainId, accused, height, statement));
  return signed ? null : 'bad-signature';
}

/** Whether no honest validator makes both of these statements at one height. Signatures are not looked at. */
export function isOffence(a: Statement, b: Statement): boolean {
  if (a.period !== b.period || isSameValue(a.value, b.value)) return false;
  const steps = [a.step, b.step].sort().join(' and ');
  return OFFENCES.includes(steps);
}

/** Steps in alphabetical order. */
const OFFENCES: readonly string[] = [
  'propose and propose',
  'soft and soft',
  'cert and cert',
  'cert and next',
];

function isSigned(chainId: Uint8Array, accused: Uint8Array, height: number, statement: Statement): boolean {
  const { step, period, value, signature } = statement;
  if (step !== 'propose') return verifyVote(chainId, accused, { height, period, step, value }, signature);
  return value !== null && period === 0 && verifyProposal(chainId, accused, height, value, signature);
}

function isSameValue(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equalBytes(a, b);
}
