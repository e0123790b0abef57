import { eraOf, type MemberVote, quorumOf } from '../../consensus/index.js';
import type { Approval, Draft, SimBlock, SimChain, SimTip } from './chain.js';
import { isDone, JOINERS_MAX, nameOf } from './membership.js';
import {
  approved,
  SEAT_RULES,
  type SeatRules,
  type StubSeats,
  seatsAtGenesis,
  withRingOf,
} from './stubMembership.js';

interface StubTip extends SimTip {
  readonly seed: string;
  readonly seats: StubSeats;
  /** The committee that decided it: nodes by member. */
  readonly deciders: readonly number[];
}

interface StubBlock extends SimBlock {
  readonly parent: string;
  readonly seed: string;
  /** Stands for the VRF's proof: the one text that leader, height and parent's seed allow. */
  readonly seedProof: string;
  readonly parentVotes: readonly MemberVote[];
  readonly isExecutable: boolean;
  readonly stateRoot: string;
}

/** Rules around agreement that a simulation may break to see whether it notices. */
export interface ChainRules extends SeatRules {
  /** Whose presence execution writes into the state: those in the block's parent votes, and nothing else. */
  readonly presentIn: (tip: SimTip, parentVotes: readonly MemberVote[]) => readonly MemberVote[];
  /** Whether the state that execution comes to is the one that the block names. */
  readonly isState: (computed: string, named: string) => boolean;
  readonly isSeedProof: (proof: string, expected: string) => boolean;
  /** How many members' votes these are: each counts once. */
  readonly countMembers: (votes: readonly MemberVote[]) => number;
  /** Whether votes for the parent need a quorum. */
  readonly parentQuorumOf: (members: number) => number;
}

export const CHAIN_RULES: ChainRules = {
  ...SEAT_RULES,
  presentIn: (_tip, parentVotes) => parentVotes,
  isState: (computed, named) => computed === named,
  isSeedProof: (proof, expected) => proof === expected,
  countMembers: (votes) => new Set(votes.map(({ member }) => member)).size,
  parentQuorumOf: quorumOf,
};

const NO_APPROVALS: readonly Approval[] = [];

/**
 * Blocks without bytes: a hash is the name of a text, a signature is its author's number. No simulated
 * adversary writes another's name, which is what real signatures see to.
 */
export function stubChain(
  members: number,
  digest: Digest = createDigest(),
  rules: ChainRules = CHAIN_RULES,
  /** Heights of an era; null: no validator ever joins or leaves. */
  eraHeights: number | null = null,
): SimChain {
  const names = Array.from({ length: members + JOINERS_MAX }, (_, node) => `${node}`);
  const committees = new Map<string, readonly number[]>();
  const atGenesis = seatsAtGenesis(members);

  const committee = ({ seed, height, seats }: StubTip): readonly number[] => {
    const ring = eraHeights === null ? atGenesis.seats : rules.ringOf(seats, eraOf(height + 1, eraHeights));
    const name = ring === atGenesis.seats ? seed : `${seed} ${ring.join(' ')}`;
    const known = committees.get(name);
    if (known) return known;
    const drawn = ring.map((node) => ({ node, place: scatter(`${seed} ${names[node]}`) }));
    const made = drawn.sort((a, b) => a.place - b.place).map(({ node }) => node);
    committees.set(name, made);
    return made;
  };

  const seatsAfter = (tip: StubTip, approvals: readonly Approval[]): StubSeats => {
    if (eraHeights === null) return tip.seats;
    const era = eraOf(tip.height + 1, eraHeights);
    const begun = era === eraOf(tip.height, eraHeights) ? tip.seats : withRingOf(tip.seats, era);
    return approvals.reduce((seats, approval) => approved(rules, seats, approval), begun);
  };

  const stateAfter = (
    tip: StubTip,
    leader: number | null,
    parentVotes: readonly MemberVote[],
    seats: StubSeats,
  ): string => {
    const present = rules.presentIn(tip, parentVotes).map(({ member }) => member);
    const sorted = present.sort((a, b) => a - b).join(' ');
    return digest('state', `state ${tip.stateRoot} ${leader} ${sorted}${seats.root}`);
  };
  const proofOf = (tip: StubTip, leader: number) => `proof ${leader} ${tip.height + 1} ${tip.seed}`;
  const emptySeed = (tip: StubTip) => digest('seed', `seed without leader ${tip.height + 1} ${tip.seed}`);

  const empty = (tip: StubTip): StubBlock => {
    const stateRoot = stateAfter(tip, null, [], seatsAfter(tip, NO_APPROVALS));
    return {
      height: tip.height + 1,
      value: digest('empty', `empty ${tip.value} ${stateRoot}`),
      leader: null,
      payloadBytes: 0,
      approvals: NO_APPROVALS,
      parent: tip.value,
      seed: emptySeed(tip),
      seedProof: '',
      parentVotes: [],
      isExecutable: true,
      stateRoot,
    };
  };

  const build = (
    tip: StubTip,
    leader: number,
    { now, payloadBytes, parentVotes, approvals, fault }: Draft,
  ): StubBlock => {
    const stateRoot = stateAfter(tip, leader, parentVotes, seatsAfter(tip, approvals));
    const votes = approvals.map(({ by, change }) => ` ${nameOf(change)} by ${by}`).join();
    const seedProof = fault === 'seed' ? `ground at ${now}` : proofOf(tip, leader);
    return {
      height: tip.height + 1,
      value: digest(
        'block',
        `block ${tip.value} ${leader} ${now} ${payloadBytes} ${seedProof} ${fault} ${stateRoot}${votes}`,
      ),
      leader,
      payloadBytes,
      approvals,
      parent: tip.value,
      seed: digest('seed', seedProof),
      seedProof,
      parentVotes,
      isExecutable: fault !== 'body',
      stateRoot,
    };
  };

  const isSigned = (node: number, vote: MemberVote): boolean => vote.signature === names[node];

  const isLeaders = (tip: StubTip, block: StubBlock): boolean =>
    block.height === tip.height + 1 &&
    block.leader === committee(tip)[0] &&
    rules.isSeedProof(block.seedProof, proofOf(tip, block.leader)) &&
    block.seed === digest('seed', block.seedProof);

  const areParentVotes = (tip: StubTip, votes: readonly MemberVote[]): boolean => {
    if (tip.height === 0) return votes.length === 0;
    const [first] = votes;
    const match = votes.every(
      (vote) =>
        vote.height === tip.height &&
        vote.step === 'cert' &&
        vote.value === tip.value &&
        vote.period === first?.period &&
        isSigned(tip.deciders[vote.member] ?? -1, vote),
    );
    return match && rules.countMembers(votes) >= rules.parentQuorumOf(tip.deciders.length);
  };

  return {
    genesis: {
      height: 0,
      value: 'genesis',
      stateRoot: 'genesis',
      votes: [],
      seed: 'genesis',
      deciders: [],
      seats: atGenesis,
    } as StubTip,
    eraHeights: eraHeights ?? Number.POSITIVE_INFINITY,
    committee,
    seats: ({ seats }: StubTip) => seats.seats,
    approve({ seats }: StubTip, by, change) {
      const given = seats.approvals.get(nameOf(change));
      return isDone(change, seats.seats) || given?.includes(by) ? null : { by, change };
    },
    empty,
    build,
    isLeaders,
    execute(tip: StubTip, block: StubBlock): StubTip | null {
      const { height, value, leader, parentVotes, approvals, seed } = block;
      if (block.parent !== tip.value || !block.isExecutable) return null;
      const seats = seatsAfter(tip, approvals);
      const stateRoot = stateAfter(tip, leader, parentVotes, seats);
      if (!rules.isState(stateRoot, block.stateRoot)) return null;
      if (leader !== null && !(isLeaders(tip, block) && areParentVotes(tip, parentVotes))) return null;
      return { height, value, stateRoot, votes: [], seed, seats, deciders: committee(tip) };
    },
    sign: (node, member, { height, period, step, value }) => ({
      height,
      period,
      step,
      value,
      member,
      signature: names[node]!,
    }),
    isSigned,
    certifies(tip: StubTip, value, votes) {
      const nodes = committee(tip);
      const [first] = votes;
      const match = votes.every(
        (vote) =>
          vote.height === tip.height + 1 &&
          vote.step === 'cert' &&
          vote.value === value &&
          vote.period === first?.period &&
          isSigned(nodes[vote.member] ?? -1, vote),
      );
      return match && rules.countMembers(votes) >= quorumOf(nodes.length);
    },
  };
}

/** Names texts: the same text has the same name, and no other text has it. Stands for a hash. */
export type Digest = (kind: string, text: string) => string;

export function createDigest(): Digest {
  const names = new Map<string, string>();
  return (kind, text) => {
    const known = names.get(text);
    if (known !== undefined) return known;
    const name = `${kind}-${names.size}`;
    names.set(text, name);
    return name;
  };
}

/** 32 bits of a text that look like chance: FNV-1a with murmur3's last rounds. */
function scatter(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
