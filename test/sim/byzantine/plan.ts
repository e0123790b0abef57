import type { AgreementVote, MemberVote } from '../../../consensus/index.js';
import type { SimBlock } from '../chain.js';
import type { Message } from '../message.js';
import type { SimNode } from '../node.js';
import type { Said } from './behaviour.js';

/* What strategies have in common: a mind made up for a height, and votes of their own making. */

export interface Plan {
  /** Who is told one thing; the rest are told another. */
  readonly favoured: ReadonlySet<number>;
  /** One node that is told more than any other. */
  readonly trusted: number;
  readonly isQuietLater: boolean;
}

/** What the node has in mind for a height: decided when it is first asked. */
export function plans(node: SimNode): (height: number) => Plan {
  const { random, plan } = node.world;
  let made: Plan | null = null;
  let madeFor = -1;
  return (height) => {
    if (made && madeFor === height) return made;
    const others = Array.from(plan.strategies, (_, other) => other).filter((other) => other !== node.index);
    const outsider = random.pick(others);
    madeFor = height;
    made = {
      favoured: new Set(others.filter((index) => index !== outsider && random.chance(800))),
      trusted: random.pick(others),
      isQuietLater: random.chance(500),
    };
    return made;
  };
}

/** A leader's second block for a height, the same at every call; at times it can't be executed. */
export function secondBlocks(node: SimNode): (height: number) => SimBlock | null {
  let second: SimBlock | null = null;
  return (height) => {
    if (height !== node.height || node.committee[0] !== node.index) return null;
    if (second?.height !== height) {
      const { random } = node.world;
      const draft = node.draft();
      second = node.make({ ...draft, now: draft.now + 1, fault: random.chance(700) ? null : 'body' });
      node.disk.bodies.set(second.value, second);
    }
    return second;
  };
}

/** Any vote about the node's height, for any value it has heard of. */
export function randomVote(node: SimNode, periods: number): AgreementVote {
  const { random } = node.world;
  const step = random.pick(['soft', 'cert', 'next', 'next'] as const);
  const period = Math.max(0, (node.state?.period ?? 0) + random.between(-1, periods - 1));
  const value = step === 'next' && random.chance(400) ? null : random.pick(valuesOf(node));
  return { height: node.height, period, step, value };
}

/** Every value of the node's height that it has heard of, E_h included. */
export function valuesOf(node: SimNode): readonly string[] {
  const values = [node.emptyValue];
  for (const block of node.disk.bodies.values()) if (block.height === node.height) values.push(block.value);
  return values;
}

export function forge(node: SimNode, vote: AgreementVote): MemberVote {
  const { chain, random } = node.world;
  // One that has left, or not joined yet, claims another's place.
  const member = node.member < 0 ? random.below(node.committee.length) : node.member;
  return chain.sign(node.index, member, vote);
}

/** The node's first own vote in a message about the height it is at. */
export function ownVoteIn(node: SimNode, message: Message): MemberVote | undefined {
  if (message.kind !== 'votes' || message.height !== node.height) return undefined;
  return message.votes.find(({ member }) => member === node.member);
}

export function votesOf(height: number, votes: readonly MemberVote[]): Said {
  return { message: { kind: 'votes', height, step: votes.length === 1 ? votes[0]!.step : null, votes } };
}
