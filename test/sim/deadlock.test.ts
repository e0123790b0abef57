import { expect, it } from 'vitest';
import {
  AGREEMENT_RULES,
  type AgreementEffect,
  type AgreementInput,
  type AgreementRules,
  type AgreementState,
  agreementWith,
  type MemberVote,
} from '../../consensus/index.js';
import { Clock } from './clock.js';
import { MUTANTS } from './mutants.js';
import { PARAMS } from './plan.js';

const [D, A, B, C] = [0, 1, 2, 3];

/**
 * A deadlock that the rules prevent, played out: M = 4, D leads and is dishonest. It gives v0 to A and B, v1 to C,
 * its own soft(v0) to A alone, and falls silent. Everything that A, B and C send arrives after 10 ms.
 */
function play(rules: AgreementRules, untilMs: number): readonly (string | null)[] {
  const clock = new Clock();
  const machine = agreementWith(rules);
  const states = new Map<number, AgreementState>();
  const committed: (string | null)[] = [null, null, null];

  const input = (member: number, given: AgreementInput) => {
    const { state, effects } = machine.apply(states.get(member)!, given);
    states.set(member, state);
    for (const effect of effects) carryOut(member, effect);
  };
  const tell = (from: number, votes: readonly MemberVote[]) => {
    for (const to of [A, B, C]) {
      if (to !== from) clock.after(10, () => input(to, { kind: 'votes', votes }));
    }
  };
  const carryOut = (member: number, effect: AgreementEffect) => {
    switch (effect.kind) {
      case 'judge':
        // Any block that one of the three holds can be pulled from it.
        clock.after(20, () => input(member, { kind: 'judged', value: effect.value, verdict: 'held' }));
        break;
      case 'vote': {
        const signed = { ...effect.vote, member, signature: '' };
        tell(member, [signed]);
        clock.after(0, () => input(member, { kind: 'vote', vote: signed }));
        break;
      }
      case 'broadcast':
        tell(member, effect.votes);
        break;
      case 'set-timer': {
        const { timer, period, afterMs } = effect;
        clock.after(afterMs, () => input(member, { kind: 'timer', timer, period }));
        break;
      }
      case 'commit':
        committed[member - 1] = effect.value;
        break;
      default:
        break;
    }
  };

  for (const self of [A, B, C]) {
    const created = machine.createAgreement({
      height: 1,
      members: 4,
      self,
      leader: D,
      emptyHash: 'empty',
      emptyRun: 0,
      params: PARAMS,
      ownRecords: [],
      justification: [],
    });
    states.set(self, created.state);
    input(self, { kind: 'proposal', value: self === C ? 'v1' : 'v0', payloadBytes: 0 });
  }
  const vote: MemberVote = { height: 1, period: 0, step: 'soft', value: 'v0', member: D, signature: '' };
  clock.after(30, () => input(A, { kind: 'vote', vote }));
  while (clock.now < untilMs && committed.includes(null) && clock.step());
  return committed;
}

it('one member alone sees a soft quorum: its votes are sent on, and all commit that value', () => {
  expect(play(AGREEMENT_RULES, 60_000)).toEqual(['v0', 'v0', 'v0']);
});

it('without the soft quorum’s votes the same members wait for ever', () => {
  expect(play({ ...AGREEMENT_RULES, ...MUTANTS['soft-quorum-not-resent']!.rules }, 3_600_000)).toEqual([
    null,
    null,
    null,
  ]);
});
