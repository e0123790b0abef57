import { describe, expect, it } from 'vitest';
import { drawCommittee, emptySeed, type RingSeat } from '../../../consensus/index.js';
import { sha256, utf8ToBytes } from '../../../crypto/index.js';

/*
 * What a leader gains by withholding its block: it sees two seeds, its own and that of the empty block, and takes
 * the one that suits it. The draw and the empty seed are the real ones; the VRF's output is a keyed hash, which is
 * what a VRF is to everybody else: one value a key and input, unforeseeable (SEED is fixed: the runs repeat).
 */
const SEED = 'withholding/1';
/** The attackers' share of the weight. */
const share = 0.3;
/** Those who collude are as one validator of their weight, and so are all others: it is the weights that are drawn. */
const ring: readonly RingSeat[] = [share * 100, 100 - share * 100].map((weight, index) => {
  const publicKey = new Uint8Array(32).fill(index + 1);
  return { publicKey, vrfPublicKey: publicKey, weight };
});

const leaderAfter = (seed: Uint8Array) => drawCommittee(ring, seed, 1)[0]!;
const isAttacker = (index: number) => index === 0;
const ownSeed = (leader: number, height: number, parentSeed: Uint8Array) =>
  sha256(utf8ToBytes(`${SEED}/${leader}/${height}`), parentSeed);

/** Binomial standard deviations between what was counted and what a share of `of` would give. */
const deviations = (count: number, of: number, p: number) =>
  Math.abs(count - of * p) / Math.sqrt(of * p * (1 - p));

describe('a leader that withholds its block', () => {
  it('leads β / (1 − β + β²) of the heights instead of β, and publishes no more blocks than β', () => {
    const heights = 20_000;
    let seed = sha256(utf8ToBytes(SEED));
    let led = 0;
    let published = 0;
    for (let height = 1; height <= heights; height++) {
      const leader = leaderAfter(seed);
      const own = ownSeed(leader, height, seed);
      const empty = emptySeed(height, seed);
      // Greedy: withhold if the own seed gives the next lead away and the empty block's keeps it.
      const withholds = isAttacker(leader) && !isAttacker(leaderAfter(own)) && isAttacker(leaderAfter(empty));
      if (isAttacker(leader)) led++;
      if (isAttacker(leader) && !withholds) published++;
      seed = withholds ? empty : own;
    }
    // Markov chain: led → led with 1 − (1 − β)², else with β. The counts are correlated, so the bounds are wide.
    const stationary = share / (1 - share + share ** 2);
    expect(deviations(led, heights, stationary)).toBeLessThan(6);
    expect(deviations(led, heights, share)).toBeGreaterThan(15); // the attack is real, and is measured
    expect(deviations(published, heights, share)).toBeLessThan(4); // and each lead it gains costs a block
  });

  it('reaches runs of leads as often as r_k = 1 − (1 − β r_{k−1})² says, within (2β)^{k−1}', () => {
    const starts = 2_000;
    const depth = 6;
    /** The longest run of leads that any choice from here reaches; the lead of `height` is the attackers'. */
    const longest = (leader: number, height: number, seed: Uint8Array, left: number): number => {
      if (left === 1) return 1;
      const next = [ownSeed(leader, height, seed), emptySeed(height, seed)].map((each) => {
        const following = leaderAfter(each);
        return isAttacker(following) ? longest(following, height + 1, each, left - 1) : 0;
      });
      return 1 + Math.max(...next);
    };
    const counts = Array.from({ length: depth + 1 }, () => 0);
    for (let start = 0; start < starts; start++) {
      const seed = sha256(utf8ToBytes(`${SEED}/start/${start}`));
      const run = longest(0, 1, seed, depth);
      for (let k = 1; k <= run; k++) counts[k]!++;
    }
    let expected = 1;
    for (let k = 2; k <= depth; k++) {
      expected = 1 - (1 - share * expected) ** 2;
      expect(deviations(counts[k]!, starts, expected), `runs of ${k}`).toBeLessThan(4);
      expect(counts[k]! / starts, `runs of ${k}`).toBeLessThan((2 * share) ** (k - 1) + 0.02);
    }
  });
});
