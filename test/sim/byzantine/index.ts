import { amnesia } from './amnesia.js';
import { badBody } from './badBody.js';
import { badSeedProof } from './badSeedProof.js';
import type { Strategy } from './behaviour.js';
import { certThenNext } from './certThenNext.js';
import { chaos } from './chaos.js';
import { emptyPartisan } from './emptyPartisan.js';
import { equivocatingLeader } from './equivocatingLeader.js';
import { forgedCertificate } from './forgedCertificate.js';
import { lateQuorum } from './lateQuorum.js';
import { omittedParentVotes } from './omittedParentVotes.js';
import { replay } from './replay.js';
import { selectiveSending } from './selectiveSending.js';
import { silent } from './silent.js';
import { voteFlood } from './voteFlood.js';
import { whisper } from './whisper.js';
import { withheldPayload } from './withheldPayload.js';

/** What dishonest members do: one file each. A member may follow several at once. */
export const STRATEGIES = {
  equivocatingLeader,
  selectiveSending,
  withheldPayload,
  lateQuorum,
  certThenNext,
  amnesia,
  replay,
  badSeedProof,
  badBody,
  omittedParentVotes,
  forgedCertificate,
  voteFlood,
  silent,
  whisper,
  emptyPartisan,
  chaos,
} as const satisfies Record<string, Strategy>;

export type StrategyName = keyof typeof STRATEGIES;

export const STRATEGY_NAMES = Object.keys(STRATEGIES) as readonly StrategyName[];
