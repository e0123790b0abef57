import { describe, expect, it } from 'vitest';
import { quorumOf } from '../../consensus/index.js';
import { Clock } from './clock.js';
import { Network, planNetwork } from './network.js';
import { Random } from './random.js';
import {
  createSingleVoteMember,
  EMPTY,
  type SingleVoteMember,
  type SingleVoteMessage,
} from './singleVote.js';
import { simulate } from './world.js';

const MEMBERS = 4;
const TIMEOUT_MS = 800;

/** One height of the paper's protocol, all honest, over `send`; returns what each member committed. */
function runSingleVote(
  clock: Clock,
  connect: (members: readonly SingleVoteMember[]) => (from: number, to: number, m: SingleVoteMessage) => void,
) {
  const members: SingleVoteMember[] = [];
  const send = connect(members);
  for (let self = 0; self < MEMBERS; self++) {
    const broadcast = (message: SingleVoteMessage) => {
      for (let to = 0; to < MEMBERS; to++) if (to !== self) send(self, to, message);
    };
    members.push(
      createSingleVoteMember({ clock, self, quorum: quorumOf(MEMBERS), timeoutMs: TIMEOUT_MS, broadcast }),
    );
  }
  const block: SingleVoteMessage = { kind: 'block', value: 'block' };
  for (let to = 1; to < MEMBERS; to++) send(0, to, block);
  members[0]!.receive(block);
  while (clock.step());
  return members.map((member) => member.committed());
}

/** The same network plan that the agreement's simulation draws from this seed. */
function overSeededNetwork(seed: number) {
  const clock = new Clock();
  const random = new Random(seed);
  const plan = planNetwork(random, MEMBERS);
  return runSingleVote(clock, (members) => {
    const network = new Network<SingleVoteMessage>(
      clock,
      random,
      plan,
      MEMBERS,
      (message) => (message.kind === 'block' ? 'proposal' : 'soft'),
      (_from, to, message) => members[to]!.receive(message),
    );
    return (from, to, message) => network.send(from, to, message);
  });
}

describe('a single vote with a time-out into an empty block', () => {
  it('agrees while messages are in time', () => {
    const clock = new Clock();
    const committed = runSingleVote(clock, (members) => (_from, to, message) => {
      clock.after(10, () => members[to]!.receive(message));
    });
    expect(committed).toEqual(['block', 'block', 'block', 'block']);
  });

  it('forks with no dishonest member: A sees three votes and commits; B, C, D time out', () => {
    const clock = new Clock();
    const committed = runSingleVote(clock, (members) => (_from, to, message) => {
      const isLate = message.kind === 'vote' && to !== 0;
      clock.after(isLate ? TIMEOUT_MS + 1 : 10, () => members[to]!.receive(message));
    });
    expect(committed).toEqual(['block', EMPTY, EMPTY, EMPTY]);
  });

  it('forks under the network that the agreement survives', () => {
    const forked: number[] = [];
    for (let seed = 0; seed < 200; seed++) if (new Set(overSeededNetwork(seed)).size > 1) forked.push(seed);
    expect(forked.length).toBeGreaterThan(20);
    for (const seed of forked) {
      expect(simulate({ seed, members: MEMBERS, byzantine: [] }).finding, `seed ${seed}`).toBeNull();
    }
  });
});
