import { describe, expect, it } from 'vitest';
import { emptySeed, proveSeed, seedAlpha, verifySeed } from '../../../consensus/index.js';
import { bytesToHex, sha256, utf8ToBytes, vrfProofToHash, vrfPublicKeyOf } from '../../../crypto/index.js';

const secret = sha256(utf8ToBytes('seed test'));
const vrfPublicKey = vrfPublicKeyOf(secret);
const parentSeed = sha256(utf8ToBytes('parent'));
const { proof, seed } = proveSeed(secret, 9, parentSeed);

describe('seeds', () => {
  it('verifies to the seed that the leader got', () => {
    expect(verifySeed({ vrfPublicKey, height: 9, parentSeed, proof })).toEqual(seed);
    expect(seed).toHaveLength(32);
  });

  it('is the tagged hash of the VRF’s output, not of the proof’s bytes', () => {
    const output = vrfProofToHash(proof)!;
    expect(seed).toEqual(sha256(utf8ToBytes('consilium/seed-output/1'), output));
  });

  it('refuses another height, parent, key or proof', () => {
    const other = sha256(utf8ToBytes('other'));
    const claim = { vrfPublicKey, height: 9, parentSeed, proof };
    const flipped = proof.slice();
    flipped[79]! ^= 1;
    expect(verifySeed({ ...claim, height: 10 })).toBeNull();
    expect(verifySeed({ ...claim, parentSeed: other })).toBeNull();
    expect(verifySeed({ ...claim, vrfPublicKey: vrfPublicKeyOf(other) })).toBeNull();
    expect(verifySeed({ ...claim, proof: flipped })).toBeNull();
    expect(verifySeed({ ...claim, proof: proof.subarray(0, 79) })).toBeNull();
  });

  it('binds height and parent, by tag, 8 bytes big-endian, seed', () => {
    const alpha = seedAlpha(258, parentSeed);
    expect(bytesToHex(alpha)).toBe(
      `${bytesToHex(utf8ToBytes('consilium/seed-alpha/1'))}0000000000000102${bytesToHex(parentSeed)}`,
    );
  });

  it('gives the empty block a seed of its own, by height and parent', () => {
    const seeds = [emptySeed(9, parentSeed), emptySeed(10, parentSeed), emptySeed(9, seed), seed];
    expect(new Set(seeds.map(bytesToHex)).size).toBe(4);
    expect(emptySeed(9, parentSeed)).toEqual(
      sha256(utf8ToBytes('consilium/seed-empty/1'), Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9), parentSeed),
    );
  });

  it('refuses seeds of another length: a bug of the caller', () => {
    expect(() => seedAlpha(1, new Uint8Array(31))).toThrow();
    expect(() => emptySeed(-1, parentSeed)).toThrow();
  });
});
