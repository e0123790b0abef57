import { describe, expect, it } from 'vitest';
import {
  drawCommittee,
  faultyOf,
  noteDraw,
  quorumOf,
  type RingSeat,
  ringRoot,
} from '../../../consensus/index.js';
import { bytesToHex, sha256, utf8ToBytes } from '../../../crypto/index.js';

/** A ring with these weights; keys ascend with the index. */
function ringOf(weights: readonly number[]): RingSeat[] {
  return weights.map((weight, index) => ({
    publicKey: Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? index >> 8 : i === 1 ? index & 255 : 7)),
    vrfPublicKey: new Uint8Array(32).fill(index),
    weight,
  }));
}

const seedOf = (text: string | number) => sha256(utf8ToBytes(`committee test ${text}`));

describe('quorums', () => {
  it.each([
    [1, 1, 0],
    [2, 2, 0],
    [3, 3, 0],
    [4, 3, 1],
    [5, 4, 1],
    [6, 5, 1],
    [7, 5, 2],
    [10, 7, 3],
    [100, 67, 33],
  ])('of %i members: quorum %i, survives %i', (members, quorum, faulty) => {
    expect(quorumOf(members)).toBe(quorum);
    expect(faultyOf(members)).toBe(faulty);
  });

  it('two quorums share an honest member, and the honest alone make one, for every M', () => {
    for (let members = 1; members <= 1_000; members++) {
      const [q, f] = [quorumOf(members), faultyOf(members)];
      expect(2 * q - members).toBeGreaterThan(f);
      expect(members - f).toBeGreaterThanOrEqual(q);
    }
  });
});

describe('the committee ring', () => {
  it('is the race that its description says, computed again in floating point', () => {
    const weights = [3, 1, 4, 2];
    const ring = ringOf(weights);
    for (let i = 0; i < 500; i++) {
      const seed = seedOf(`race ${i}`);
      const ways = ring.map(({ publicKey, weight }) => {
        const point = sha256(utf8ToBytes('consilium/ring-point/1'), seed, publicKey);
        return -Math.log2(Number(BigInt(`0x${bytesToHex(point)}`)) / 2 ** 256) / weight;
      });
      const expected = [0, 1, 2, 3].sort((a, b) => ways[a]! - ways[b]!);
      expect(drawCommittee(ring, seed, 4)).toEqual(expected);
    }
  });

  it('moves only what it must: who joins, leaves or changes its weight moves itself in the order', () => {
    const weights = [5, 100, 100, 3, 200, 100, 40];
    const all = ringOf(weights);
    let firstMoved = 0;
    const draws = 1_200;
    for (let i = 0; i < draws; i++) {
      const seed = seedOf(`stable ${i}`);
      const order = drawCommittee(all, seed, 7);
      const left = order.filter((index) => index !== 4);
      const without = all.filter((_, index) => index !== 4);
      expect(drawCommittee(without, seed, 6).map((index) => all.indexOf(without[index]!))).toEqual(left);
      const reweighed = all.map((seat, index) => (index === 4 ? { ...seat, weight: 7 } : seat));
      expect(drawCommittee(reweighed, seed, 7).filter((index) => index !== 4)).toEqual(left);
      if (order[0] === 4) firstMoved++;
    }
    // The newcomer takes the lead of its share of the seeds, 200 of 548, and no other lead changes.
    expect(Math.abs(firstMoved / draws - 200 / 548)).toBeLessThan(4 * Math.sqrt(0.25 / draws));
  });

  it('names leaders in proportion to their weight (chi-square, 3 degrees of freedom)', () => {
    const weights = [10, 20, 30, 140];
    const draws = 20_000;
    const counts = [0, 0, 0, 0];
    const ring = ringOf(weights);
    for (let i = 0; i < draws; i++) counts[drawCommittee(ring, seedOf(i), 1)[0]!]!++;
    const chiSquare = weights.reduce((sum, weight, index) => {
      const expected = (draws * weight) / 200;
      return sum + (counts[index]! - expected) ** 2 / expected;
    }, 0);
    expect(chiSquare).toBeLessThan(16.27); // p = 0.001
  });

  it('names further members in proportion to what is left (chi-square, 5 degrees of freedom)', () => {
    const weights = [1, 2, 3];
    const draws = 12_000;
    const counts = new Map<string, number>();
    for (let i = 0; i < draws; i++) {
      const key = drawCommittee(ringOf(weights), seedOf(`pair ${i}`), 2).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    let chiSquare = 0;
    for (const a of [0, 1, 2]) {
      for (const b of [0, 1, 2]) {
        if (a === b) continue;
        const expected = (draws * (weights[a]! / 6) * weights[b]!) / (6 - weights[a]!);
        chiSquare += ((counts.get(`${a},${b}`) ?? 0) - expected) ** 2 / expected;
      }
    }
    expect(chiSquare).toBeLessThan(20.52); // p = 0.001
  });

  it('keeps the proportions behind one that outweighs all (chi-square, 2 degrees of freedom)', () => {
    const ring = ringOf([1_000_000_000, 1, 2, 3]);
    const draws = 6_000;
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < draws; i++) {
      const [first, second] = drawCommittee(ring, seedOf(`bound ${i}`), 2);
      expect(first).toBe(0);
      counts[second!]!++;
    }
    const chiSquare = [1, 2, 3].reduce((sum, index) => {
      const expected = (draws * index) / 6;
      return sum + (counts[index]! - expected) ** 2 / expected;
    }, 0);
    expect(chiSquare).toBeLessThan(13.82); // p = 0.001
  });

  it('depends on ring and seed alone, and names no one twice', () => {
    const ring = ringOf(Array.from({ length: 60 }, (_, i) => 1 + ((i * 37) % 200)));
    for (let i = 0; i < 50; i++) {
      const drawn = drawCommittee(ring, seedOf(i), 25);
      expect(new Set(drawn).size).toBe(25);
      expect(drawCommittee(structuredClone(ring), seedOf(i), 25)).toEqual(drawn);
    }
  });

  it('a smaller committee is the beginning of a larger one of the same seed', () => {
    const ring = ringOf([5, 5, 5, 5, 5, 5, 5]);
    for (let i = 0; i < 20; i++) {
      const all = drawCommittee(ring, seedOf(i), 7);
      expect(drawCommittee(ring, seedOf(i), 3)).toEqual(all.slice(0, 3));
    }
  });

  it('leaves weight 0 its seat when all are needed, last, and never the lead', () => {
    const ring = ringOf([0, 5, 0, 5, 5]);
    for (let i = 0; i < 200; i++) {
      expect(drawCommittee(ring, seedOf(i), 5).slice(3)).toEqual([0, 2]);
      expect(drawCommittee(ring, seedOf(i), 2)).not.toContain(0);
    }
  });

  it('counts everybody as 1 when every weight is 0', () => {
    const leaders = new Set<number>();
    for (let i = 0; i < 200; i++) leaders.add(drawCommittee(ringOf([0, 0, 0]), seedOf(i), 3)[0]!);
    expect([...leaders].sort()).toEqual([0, 1, 2]);
  });

  it('refuses a ring out of order, with repeats, with bad weights, or too small: bugs of the caller', () => {
    const [a, b] = ringOf([1, 1]) as [RingSeat, RingSeat];
    for (const ring of [
      [b, a],
      [a, a],
      [],
      [{ ...a, weight: -1 }, b],
      [{ ...a, weight: 0.5 }, b],
      [{ ...a, weight: 2e9 }, b],
      [{ ...a, publicKey: new Uint8Array(31) }, b],
    ]) {
      expect(() => drawCommittee(ring, seedOf(0), 1)).toThrow();
    }
    expect(() => drawCommittee([a, b], seedOf(0), 3)).toThrow();
    expect(() => drawCommittee([a, b], seedOf(0), 0)).toThrow();
  });
});

describe('ring root', () => {
  const ring = ringOf([3, 1, 4]);

  it('is fixed for good', () => {
    const hand = Buffer.concat([
      Buffer.from('consilium/ring/1'),
      Buffer.from('00000003', 'hex'),
      ...ring.flatMap(({ publicKey, vrfPublicKey, weight }) => [
        publicKey,
        vrfPublicKey,
        Buffer.from(weight.toString(16).padStart(16, '0'), 'hex'),
      ]),
    ]);
    expect(bytesToHex(ringRoot(ring))).toBe(bytesToHex(sha256(hand)));
  });

  it('changes with every field of every seat', () => {
    const roots = [
      ring,
      ring.slice(0, 2),
      ring.map((seat, i) => (i === 2 ? { ...seat, weight: 5 } : seat)),
      ring.map((seat, i) => (i === 2 ? { ...seat, vrfPublicKey: new Uint8Array(32) } : seat)),
      ring.map((seat, i) => (i === 2 ? { ...seat, publicKey: new Uint8Array(32).fill(255) } : seat)),
    ].map((changed) => bytesToHex(ringRoot(changed)));
    expect(new Set(roots).size).toBe(roots.length);
  });
});

describe('a committee that another thread has drawn', () => {
  it('is taken for its ring and seed, and for no more members than it has', () => {
    const [ring, seed] = [ringOf([100, 100, 100, 100]), seedOf('noted')];
    const drawn = drawCommittee(ring, seed, 4);
    const noted = [drawn[1]!, drawn[0]!];
    noteDraw(ring, seed, noted);
    expect(drawCommittee(ring, seed, 2)).toEqual(noted);
    expect(drawCommittee(ring, seed, 4)).toEqual(drawn);
    noteDraw(ring, seed, noted);
    const other = seedOf('another');
    expect(drawCommittee(ring, other, 4)).toEqual(drawCommittee(ringOf([100, 100, 100, 100]), other, 4));
  });
});
