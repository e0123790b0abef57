import type { MemberVote } from '../../consensus/index.js';
import type { SimBlock } from './chain.js';

/** What a node has on disk about the height that it is at. */
export interface Records {
  readonly own: readonly MemberVote[];
  readonly justification: readonly MemberVote[];
  /** The own block, as leader. */
  readonly proposal: SimBlock | null;
}

export const NO_RECORDS: Records = { own: [], justification: [], proposal: null };

/** The duties of a driver that agreement rests on. A simulation may break one to see whether it notices. */
export interface DriverRules {
  /** What a node that comes up again takes up. */
  readonly restored: (records: Records) => Records;
  /** What of a vote's justification reaches the disk. */
  readonly persisted: (justification: readonly MemberVote[]) => readonly MemberVote[];
  readonly persistsFirst: boolean;
  /** A block is judged when its payloads are stored, and not before. */
  readonly waitsForBody: boolean;
  readonly checksCertificates: boolean;
  /** How many members a height has: those that its ring draws. */
  readonly membersOf: (committee: readonly number[], atGenesis: number) => number;
}

export const DRIVER_RULES: DriverRules = {
  restored: (records) => records,
  persisted: (justification) => justification,
  persistsFirst: true,
  waitsForBody: true,
  checksCertificates: true,
  membersOf: (committee) => committee.length,
};
