import {
  type AgreementEffect,
  type AgreementInput,
  type AgreementParams,
  type AgreementStart,
  type AgreementState,
  apply,
  createAgreement,
  type MemberVote,
} from '../../../consensus/index.js';

export const params: AgreementParams = {
  deadlineMs: 1500,
  deadlineDoublingsMax: 3,
  deadlineCapMs: 12_000,
  filterMs: 250,
  resendMs: 500,
  payloadBytesPerMs: 1000,
  payloadExtensionMsMax: 10_000,
};

export const E = 'ee';

export function start(overrides: Partial<AgreementStart> = {}): AgreementStart {
  return {
    height: 7,
    members: 4,
    self: 1,
    leader: 0,
    emptyHash: E,
    emptyRun: 0,
    params,
    ownRecords: [],
    justification: [],
    ...overrides,
  };
}

/** `member` votes at height 7: vote(2, 0, 'soft', 'v'). */
export function vote(
  member: number,
  period: number,
  step: MemberVote['step'],
  value: string | null,
): MemberVote {
  return { height: 7, period, step, value, member, signature: `s${member}` };
}

/** A vote each of several members, one input. */
export function votes(
  members: readonly number[],
  period: number,
  step: MemberVote['step'],
  value: string | null,
): AgreementInput {
  return { kind: 'votes', votes: members.map((member) => vote(member, period, step, value)) };
}

export function timer(kind: 'deadline' | 'filter' | 'resend', period: number): AgreementInput {
  return { kind: 'timer', timer: kind, period };
}

export function held(value: string): AgreementInput {
  return { kind: 'judged', value, verdict: 'held' };
}

export function proposal(value: string, payloadBytes = 0): AgreementInput {
  return { kind: 'proposal', value, payloadBytes };
}

/** Short form of an effect for tables: all that matters, nothing left out. */
export function show(effect: AgreementEffect): string {
  switch (effect.kind) {
    case 'propose':
      return 'propose';
    case 'judge':
      return `judge ${effect.value}`;
    case 'vote': {
      const { step, value, period } = effect.vote;
      return `${step}(${value ?? '⊥'})@${period}${effect.justification.length ? ` by ${list(effect.justification)}` : ''}`;
    }
    case 'broadcast':
      return `broadcast ${list(effect.votes)}${effect.proposal === null ? '' : ` proposal ${effect.proposal}`}`;
    case 'set-timer':
      return `${effect.timer}@${effect.period} in ${effect.afterMs}`;
    case 'commit':
      return `commit ${effect.value}@${effect.period} by ${list(effect.votes)}`;
    case 'offence':
      return `offence ${list([effect.first, effect.second])}`;
    case 'two-proposals':
      return `two proposals ${effect.first} ${effect.second}`;
    case 'reject':
      return `reject ${effect.reason}${effect.member === undefined ? '' : ` of ${effect.member}`}`;
    default:
      return effect satisfies never;
  }
}

function list(all: readonly MemberVote[]): string {
  return `[${all.map((v) => `${v.member}:${v.step}(${v.value ?? '⊥'})@${v.period}`).join(' ')}]`;
}

/** One row: an input and everything that must come of it. */
export type Row = readonly [input: AgreementInput, effects: readonly string[]];

/** Runs inputs without looking, to get a member into a situation. */
export function run(
  options: Partial<AgreementStart>,
  inputs: readonly AgreementInput[],
): { state: AgreementState; effects: string[] } {
  const created = createAgreement(start(options));
  let { state } = created;
  const effects = created.effects.map(show);
  for (const input of inputs) {
    const next = apply(state, input);
    state = next.state;
    effects.push(...next.effects.map(show));
  }
  return { state, effects };
}

/** Runs a table of steps; returns what came of each, to be compared with the table. */
export function table(options: Partial<AgreementStart>, rows: readonly Row[]): Row[] {
  let { state } = createAgreement(start(options));
  return rows.map(([input]) => {
    const next = apply(state, input);
    state = next.state;
    return [input, next.effects.map(show)] as const;
  });
}
