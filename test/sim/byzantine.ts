import type { AgreementVote, MemberVote } from '../../consensus/index.js';
import type { Message, SimBlock } from './message.js';
import type { SimNode } from './node.js';

export interface Said {
  readonly message: Message;
  readonly afterMs?: number;
}

/** What a dishonest node really says to `to` where an honest one would send `message`. */
export type Behaviour = (node: SimNode, to: number, message: Message) => readonly Said[];

export type BehaviourName = keyof typeof BEHAVIOURS;

/** Dishonest behaviours; each is made anew for a node, with what it remembers. */
export const BEHAVIOURS = {
  silent: () => () => [],
  selective: () => {
    const plan = plans();
    return (node, to, message) => (plan(node, message.height).favoured.has(to) ? [{ message }] : []);
  },
  /**
   * Two blocks as leader, the second at times invalid; a soft vote for either as it suits the listener, and, at times, silence afterwards: so
   * that one member alone sees a soft quorum (DESIGN.md section 6).
   */
  equivocate: () => {
    const plan = plans();
    return (node, to, message) => {
      const { height } = message;
      const { favoured, trusted, isQuietLater, second } = plan(node, height);
      if (message.kind === 'proposal') {
        node.disk.bodies.set(second.value, second);
        return [{ message: favoured.has(to) ? message : { ...message, block: second } }];
      }
      if (message.kind !== 'votes') return [{ message }];
      const [own] = ownOf(node, message.votes);
      if (own?.step !== 'soft') return isQuietLater ? [] : [{ message }];
      if (isQuietLater) return to === trusted ? [{ message }] : [];
      const value = favoured.has(to) ? own.value : second.value;
      return [votesOf(height, [forge(node, { height, period: own.period, step: 'soft', value })])];
    };
  },
  /** Certifies to some, votes next for something else to others. */
  certThenNext: () => {
    const plan = plans();
    return (node, to, message) => {
      if (message.kind !== 'votes') return [{ message }];
      const { height } = message;
      const { favoured } = plan(node, height);
      const [own] = ownOf(node, message.votes);
      if (!own || own.step === 'soft') return [{ message }];
      const { period } = own;
      const value = own.value ?? node.world.random.pick(valuesOf(node));
      return favoured.has(to)
        ? [votesOf(height, [forge(node, { height, period, step: 'cert', value })])]
        : [votesOf(height, [forge(node, { height, period, step: 'next', value: null })])];
    };
  },
  /** Beside each vote many others, of any period, step and value. */
  flood: () => (node, _to, message) => {
    if (message.kind !== 'votes') return [{ message }];
    const { random } = node.world;
    const junk = Array.from({ length: 12 }, () => {
      const vote = randomVote(node, random.pick([2, 20, 2_000]));
      const isKnown = vote.value === null || random.chance(500);
      const value = isKnown ? vote.value : node.world.signer.hashOf(`junk ${random.below(1_000)}`);
      return forge(node, { ...vote, value });
    });
    return [{ message }, votesOf(message.height, junk)];
  },
  /** Gives its block's body to one member only. */
  withhold: () => {
    const plan = plans();
    return (node, to, message) => {
      const { trusted } = plan(node, message.height);
      if (message.kind === 'proposal') return [{ message: { ...message, body: false } }];
      return message.kind !== 'body' || to === trusted ? [{ message }] : [];
    };
  },
  /** Says what it has to say long after. */
  late: () => (node, _to, message) => [{ message, afterMs: node.world.random.between(0, 3_000) }],
  /** Sends any old message again, between the others. */
  replay: () => {
    const heard: Message[] = [];
    return (node, _to, message) => {
      const { random } = node.world;
      if (heard.length < 200) heard.push(message);
      else heard[random.below(200)] = message;
      return [{ message }, { message: random.pick(heard) }];
    };
  },
  /** Any vote to anybody: what the others say is as likely as not. */
  chaos: () => {
    const plan = plans();
    return (node, to, message) => {
      const { random } = node.world;
      const { height } = message;
      const said: Said[] = random.chance(500) ? [{ message }] : [];
      if (message.kind === 'proposal' && !plan(node, height).favoured.has(to)) {
        const { second } = plan(node, height);
        node.disk.bodies.set(second.value, second);
        return [{ message: { ...message, block: second } }];
      }
      if (message.kind !== 'votes') return [{ message }];
      for (let i = random.below(4); i > 0; i--)
        said.push(votesOf(height, [forge(node, randomVote(node, 1))]));
      return said;
    };
  },
  /** Honest, but for a disk that forgets its votes: the world crashes it often. */
  amnesia: () => (_node, _to, message) => [{ message }],
} as const satisfies Record<string, () => Behaviour>;

interface Plan {
  readonly favoured: ReadonlySet<number>;
  readonly trusted: number;
  readonly isQuietLater: boolean;
  readonly second: SimBlock;
}

/** What the node has in mind for a height: decided when it is first asked. */
function plans(): (node: SimNode, height: number) => Plan {
  const made = new Map<number, Plan>();
  return (node, height) => {
    const { random, nodes } = node.world;
    const known = made.get(height);
    if (known) return known;
    const others = nodes.map(({ index }) => index).filter((index) => index !== node.index);
    const outsider = random.pick(others);
    const plan: Plan = {
      favoured: new Set(others.filter((index) => index !== outsider && random.chance(800))),
      trusted: random.pick(others),
      isQuietLater: random.chance(500),
      second: node.world.createBlock(height, node.index, random.chance(700)),
    };
    made.set(height, plan);
    return plan;
  };
}

function randomVote(node: SimNode, periods: number): AgreementVote {
  const { random } = node.world;
  const step = random.pick(['soft', 'cert', 'next', 'next'] as const);
  const period = Math.max(0, (node.state?.period ?? 0) + random.between(-1, periods - 1));
  const value = step === 'next' && random.chance(400) ? null : random.pick(valuesOf(node));
  return { height: node.height, period, step, value };
}

/** Every value of this height that the node has heard of, E_h included. */
function valuesOf(node: SimNode): readonly string[] {
  const values = [node.world.emptyHash(node.height)];
  for (const block of node.disk.bodies.values()) if (block.height === node.height) values.push(block.value);
  return values;
}

function forge(node: SimNode, vote: AgreementVote): MemberVote {
  return node.world.signer.sign(node.index, vote, node.world.memberAt(vote.height, node.index));
}

function ownOf(node: SimNode, votes: readonly MemberVote[]): readonly MemberVote[] {
  return votes.filter((vote) => vote.member === node.world.memberAt(vote.height, node.index));
}

function votesOf(height: number, votes: readonly MemberVote[]): Said {
  return { message: { kind: 'votes', height, step: votes[0]?.step ?? null, votes } };
}
