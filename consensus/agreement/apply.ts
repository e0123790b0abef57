import { strict as assert } from 'node:assert';
import { absorbProposal, absorbVotes } from './absorb.js';
import { certVotesOf } from './commit.js';
import { deadlineMs, extensionMs } from './deadline.js';
import type { AgreementEffect } from './effect.js';
import type { AgreementInput } from './input.js';
import { proposalToResend } from './resend.js';
import { AGREEMENT_RULES, type AgreementRules } from './rules.js';
import { type AgreementConfig, type AgreementState, faulty, justification, withChange } from './state.js';
import { createTally, pruneTally } from './tally.js';
import type { AgreementVote, MemberVote } from './vote.js';

export interface AgreementStep {
  readonly state: AgreementState;
  readonly effects: readonly AgreementEffect[];
}

/** How a member begins a height, or takes it up again after a restart. */
export interface AgreementStart extends AgreementConfig {
  /** All own votes of this height on disk. They bind. */
  readonly ownRecords: readonly MemberVote[];
  /** The justification on disk: that of the latest own vote. */
  readonly justification: readonly MemberVote[];
  /** Start period 0 at once, as the input `activate` would. */
  readonly active?: boolean;
}

export interface Agreement {
  readonly createAgreement: (start: AgreementStart) => AgreementStep;
  readonly apply: (state: AgreementState, input: AgreementInput) => AgreementStep;
}

/**
 * The agreement machine with another vote table than section 6's. For tests that delete a rule and look
 * whether anybody notices; a node uses `createAgreement` and `apply` below.
 */
export function agreementWith(rules: AgreementRules): Agreement {
  return {
    createAgreement: (start) => create(rules, start),
    apply: (state, input) => step(rules, state, input),
  };
}

const machine = agreementWith(AGREEMENT_RULES);

/**
 * Begins a height. Call it when the verdicts of the parent's due closings are computed: only then is E_h
 * known, and period 0's deadline may run.
 *
 * A leader with a persisted block of this height hands it in as `proposal` before anything else.
 */
export const createAgreement = machine.createAgreement;

/**
 * One step: takes an input in, then does what the vote table asks for. Pure; the old state stays valid.
 *
 * After the commit only votes are still taken, for `certVotesOf` and for offences.
 * Cost: O(votes of a step and period), a few microseconds at M = 4.
 */
export const apply = machine.apply;

function create(rules: AgreementRules, start: AgreementStart): AgreementStep {
  const { ownRecords, justification: persisted, active, ...config } = start;
  const { members, self, leader, height } = config;
  assert(Number.isSafeInteger(members) && members > 0, 'a committee has members');
  assert(leader >= 0 && leader < members, 'the leader is a member');
  assert(self === null || (self >= 0 && self < members), 'self is a member or an observer');
  assert(
    ownRecords.every((vote) => vote.member === self && vote.height === height),
    'own records are own and of this height',
  );
  const blank: AgreementState = {
    config,
    quorum: rules.quorumOf(members),
    active: false,
    period: 0,
    filterPassed: false,
    deadlinePassed: false,
    extended: false,
    proposeAsked: false,
    proposals: [],
    verdicts: new Map(),
    own: ownRecords,
    tally: createTally(members),
    decision: null,
  };
  const effects: AgreementEffect[] = [];
  let state = absorbVotes(blank, [...persisted, ...ownRecords], effects);
  if (active || ownRecords.length > 0) state = activate(state, effects);
  return { state: settle(rules, state, effects), effects };
}

function step(rules: AgreementRules, before: AgreementState, input: AgreementInput): AgreementStep {
  const effects: AgreementEffect[] = [];
  if (before.decision !== null) {
    const late = input.kind === 'vote' ? [input.vote] : input.kind === 'votes' ? input.votes : [];
    return { state: absorbVotes(before, late, effects), effects };
  }
  const state = absorb(rules, before, input, effects);
  return { state: state === before ? state : settle(rules, state, effects), effects };
}

function absorb(
  rules: AgreementRules,
  state: AgreementState,
  input: AgreementInput,
  effects: AgreementEffect[],
): AgreementState {
  switch (input.kind) {
    case 'activate':
      return activate(state, effects);
    case 'proposal': {
      const noted = absorbProposal(state, input, effects);
      return noted === state ? state : activate(noted, effects);
    }
    case 'judged':
      if (state.verdicts.get(input.value) === input.verdict) return state;
      return withChange(state, { verdicts: new Map(state.verdicts).set(input.value, input.verdict) });
    case 'vote':
      return absorbVotes(state, [input.vote], effects);
    case 'votes':
      return absorbVotes(state, input.votes, effects);
    case 'timer':
      return timerFired(rules, state, input, effects);
    default:
      return input satisfies never;
  }
}

function timerFired(
  rules: AgreementRules,
  state: AgreementState,
  { timer, period }: Extract<AgreementInput, { kind: 'timer' }>,
  effects: AgreementEffect[],
): AgreementState {
  if (!state.active) return state;
  switch (timer) {
    case 'filter':
      return period === state.period ? withChange(state, { filterPassed: true }) : state;
    case 'deadline': {
      if (period !== state.period) return state;
      const afterMs = extensionMs(state);
      if (afterMs === 0) return withChange(state, { deadlinePassed: true });
      effects.push({ kind: 'set-timer', timer: 'deadline', period, afterMs });
      return withChange(state, { extended: true });
    }
    case 'resend': {
      const votes = rules.votesToResend(state);
      const proposal = proposalToResend(state);
      if (votes.length > 0 || proposal !== null) effects.push({ kind: 'broadcast', votes, proposal });
      effects.push(resendTimer(state));
      return state;
    }
    default:
      return timer satisfies never;
  }
}

/** Second half of a step: does what the table asks for, given what is known. */
function settle(rules: AgreementRules, known: AgreementState, effects: AgreementEffect[]): AgreementState {
  let state = known;
  for (const value of rules.neededValues(state)) {
    if (state.verdicts.has(value)) continue;
    state = withChange(state, { verdicts: new Map(state.verdicts).set(value, 'pending') });
    effects.push({ kind: 'judge', value });
  }
  const decision = rules.decisionOf(state);
  if (decision) {
    state = withChange(state, { decision });
    const { value, period } = decision;
    effects.push({ kind: 'commit', value, period, votes: certVotesOf(state) });
    return state;
  }
  // Votes of f+1 members: at least one honest member has a reason.
  if (!state.active && heardOf(state) > faulty(state)) state = activate(state, effects);
  const period = rules.periodToEnter(state);
  if (period > state.period) {
    state = enter(activate(state, effects), period, effects);
    return settle(rules, state, effects);
  }
  if (!state.active) return state;
  if (rules.mayPropose(state)) {
    state = withChange(state, { proposeAsked: true });
    effects.push({ kind: 'propose' });
  }
  const soft = rules.softValue(state);
  if (soft !== undefined) state = voted(state, 'soft', soft, effects);
  const cert = rules.certValue(state);
  if (cert !== undefined) state = voted(state, 'cert', cert, effects);
  const next = rules.nextValue(state);
  return next === undefined ? state : voted(state, 'next', next, effects);
}

function heardOf(state: AgreementState): number {
  return state.tally.highest.filter((period) => period !== undefined).length;
}

/** Starts period 0 and the re-sends. An observer never starts. */
function activate(state: AgreementState, effects: AgreementEffect[]): AgreementState {
  if (state.active || state.config.self === null) return state;
  effects.push(deadlineTimer(state), resendTimer(state));
  return withChange(state, { active: true });
}

function enter(before: AgreementState, period: number, effects: AgreementEffect[]): AgreementState {
  const state = withChange(before, {
    period,
    filterPassed: false,
    deadlinePassed: false,
    own: before.own.filter((vote) => vote.period >= period),
    tally: pruneTally(before.tally, period),
  });
  if (state.active) {
    const afterMs = state.config.params.filterMs;
    effects.push({ kind: 'set-timer', timer: 'filter', period, afterMs }, deadlineTimer(state));
  }
  return state;
}

function voted(
  state: AgreementState,
  stepName: AgreementVote['step'],
  value: string | null,
  effects: AgreementEffect[],
): AgreementState {
  const vote: AgreementVote = { height: state.config.height, period: state.period, step: stepName, value };
  effects.push({ kind: 'vote', vote, justification: justification(state) });
  return withChange(state, { own: [...state.own, vote] });
}

function deadlineTimer({ config, period }: AgreementState): AgreementEffect {
  return { kind: 'set-timer', timer: 'deadline', period, afterMs: deadlineMs(config, period) };
}

function resendTimer({ config, period }: AgreementState): AgreementEffect {
  return { kind: 'set-timer', timer: 'resend', period, afterMs: config.params.resendMs };
}
