import { createDraft, readState, type Scope } from '../../chain/index.js';
import { drawCommittee, eraOf, quorumOf, ringAt } from '../../consensus/index.js';
import { newestProtocol, validatorPointsCell } from '../../contracts/index.js';
import { bytesToHex, drbg, sha256, utf8ToBytes } from '../../crypto/index.js';
import type { RoundOutcome } from '../../fl/index.js';
import { startChain } from '../../genesis/index.js';
import { testGenesis } from './genesis.js';

/** Validators are numbered 0..n-1 in the order of their keys. */
export interface PresenceGame {
  readonly validators: number;
  readonly eras: number;
  readonly eraHeights: number;
  readonly seed: string;
  /** Does the vote of this one reach the leader before it makes its block? Asked for each block and voter. */
  readonly hears: (voter: number, era: number, random: () => number) => boolean;
  /** Whose votes this leader leaves out, the first first, for as long as a quorum remains. Honest leaders: nobody's. */
  readonly leavesOut: (leader: number) => readonly number[];
}

export interface PresenceOutcome {
  /** Points at the end, by validator. */
  readonly points: readonly number[];
  /** Share of the heights of the last half of the eras that each led. */
  readonly ledShare: readonly number[];
  /** Seats of every era's ring. */
  readonly seats: readonly number[];
}

/**
 * Plays the reputation of validators over many eras: the contract's own beginBlock, real rings and draws; which
 * votes a leader holds is up to the game. No signatures, so thousands of heights a second.
 */
export function playPresence(game: PresenceGame): PresenceOutcome {
  const { validators: count, eras, eraHeights } = game;
  const { genesis } = testGenesis(count, 0);
  const { chainId, rules, tip } = startChain({ ...genesis, params: { ...genesis.params, eraHeights } });
  const reputation = rules.protocols
    .get(newestProtocol)!
    .contracts.find(({ name }) => name === 'reputation')!;
  const bytes = drbg(utf8ToBytes(game.seed));
  const random = () => new DataView(bytes(4).buffer).getUint32(0) / 2 ** 32;
  const state = createDraft(readState(tip.state));
  let seed = sha256(utf8ToBytes(game.seed));
  const keys = ringAt(state, 1, eraHeights).map(({ publicKey }) => publicKey);
  const indexOf = new Map(keys.map((key, index) => [bytesToHex(key), index]));
  const led = new Array<number>(count).fill(0);
  const seats: number[] = [];
  let parent: readonly Uint8Array[] = [];
  for (let height = 1; height <= eras * eraHeights; height += 1) {
    const ring = ringAt(state, height, eraHeights);
    const committee = drawCommittee(ring, seed, ring.length).map((index) => ring[index]!.publicKey);
    const leader = indexOf.get(bytesToHex(committee[0]!))!;
    const voters = parent.map((key) => indexOf.get(bytesToHex(key))!);
    const hears = (voter: number) => game.hears(voter, eraOf(height, eraHeights), random);
    const participants = height === 1 ? [] : votesHeld(voters, leader, hears, game.leavesOut(leader));
    const scope: Scope<RoundOutcome> = {
      state,
      block: {
        chainId,
        protocol: newestProtocol,
        height,
        time: height,
        leader: committee[0]!,
        parent: { height: height - 1, time: height - 1, leader: parent[0] ?? null, committee: parent },
        participants: participants.map((index) => keys[index]!),
        closings: new Map(),
      },
      emit: () => {},
      emitPayload: () => {
        throw new Error('reputation has no payloads');
      },
    };
    reputation.beginBlock!(scope);
    if (height % eraHeights === 0) seats.push(ring.length);
    if (height >= (eras * eraHeights) / 2) led[leader]! += 1;
    parent = committee;
    seed = sha256(seed);
  }
  const total = led.reduce((sum, each) => sum + each, 0);
  const { start } = genesis.params.validatorReputation;
  return {
    points: keys.map((key) => validatorPointsCell.get(state, bytesToHex(key)) ?? start),
    ledShare: led.map((each) => each / total),
    seats,
  };
}

/** Votes for the parent in the leader's block: those that it heard, at least a quorum, without those it leaves out. */
function votesHeld(
  committee: readonly number[],
  leader: number,
  hears: (voter: number) => boolean,
  leftOut: readonly number[],
): readonly number[] {
  const quorum = quorumOf(committee.length);
  const heard = committee.filter((voter) => voter === leader || hears(voter));
  // Without a quorum there is no certificate: it waits for the next ones, whoever they are.
  const late = committee.filter((voter) => !heard.includes(voter));
  const held = [...heard, ...late.slice(0, Math.max(0, quorum - heard.length))];
  for (const victim of leftOut) {
    if (held.length > quorum && held.includes(victim)) held.splice(held.indexOf(victim), 1);
  }
  return held;
}
