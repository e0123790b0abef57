import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  merkleProof,
  merkleProver,
  merkleRoot,
  PAYLOAD_CHUNK_BYTES,
  payloadChunks,
  payloadId,
  verifyMerkleProof,
} from '../../../chain/index.js';
import { bytesToHex, concatBytes, drbg, hexToBytes, sha256, utf8ToBytes } from '../../../crypto/index.js';

/** The leaves and roots of google/certificate-transparency, merkletree tests. */
const leaves = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map(hexToBytes);
const roots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const paths: [count: number, index: number, path: string[]][] = [
  [1, 0, []],
  [
    8,
    0,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    8,
    5,
    [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [3, 2, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
  [
    5,
    1,
    [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
];

/** `count` leaves that differ. */
function some(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => utf8ToBytes(`leaf ${i}`));
}

describe('Merkle trees', () => {
  it.each(roots.map((root, count) => [count, root] as const))(
    'of %i known leaves have the known root',
    (count, root) => {
      expect(bytesToHex(merkleRoot(leaves.slice(0, count)))).toBe(root);
    },
  );

  it.each(paths)('of %i known leaves have the known path to leaf %i', (count, index, path) => {
    const given = leaves.slice(0, count);
    const proof = merkleProof(given, index);
    expect(proof.map(bytesToHex)).toEqual(path);
    const root = hexToBytes(roots[count]!);
    expect(verifyMerkleProof({ root, leaf: given[index]!, index, count, proof })).toBe(true);
  });

  it('hash a leaf apart from a node, so that a node cannot be passed off as a leaf', () => {
    const [a, b] = [utf8ToBytes('a'), utf8ToBytes('b')];
    const node = concatBytes(sha256(Uint8Array.of(0), a), sha256(Uint8Array.of(0), b));
    expect(merkleRoot([a, b])).not.toEqual(merkleRoot([node]));
    expect(merkleRoot([a, b])).toEqual(sha256(Uint8Array.of(1), node));
  });

  it('prove every leaf of every size up to 20, and no other leaf, index or size', () => {
    for (let count = 1; count <= 20; count += 1) {
      const given = some(count);
      const root = merkleRoot(given);
      for (let index = 0; index < count; index += 1) {
        const proof = merkleProof(given, index);
        const claim = { root, leaf: given[index]!, index, count, proof };
        expect(verifyMerkleProof(claim)).toBe(true);
        for (let other = 0; other < count + 2; other += 1) {
          if (other !== index) expect(verifyMerkleProof({ ...claim, index: other })).toBe(false);
        }
        expect(verifyMerkleProof({ ...claim, leaf: utf8ToBytes('leaf') })).toBe(false);
        expect(verifyMerkleProof({ ...claim, root: sha256(root) })).toBe(false);
      }
    }
  });

  it('refuse any proof that is not the one', () => {
    const claim = fc.integer({ min: 2, max: 200 }).chain((count) =>
      fc.record({
        count: fc.constant(count),
        index: fc.nat(count - 1),
        which: fc.nat(),
        byte: fc.nat(31),
        bit: fc.nat(7),
      }),
    );
    fc.assert(
      fc.property(claim, ({ count, index, which, byte, bit }) => {
        const given = some(count);
        const proof = merkleProof(given, index);
        const root = merkleRoot(given);
        const leaf = given[index]!;
        const refused = (changed: readonly Uint8Array[]): void =>
          expect(verifyMerkleProof({ root, leaf, index, count, proof: changed })).toBe(false);
        const at = which % proof.length;
        const flipped = new Uint8Array(proof[at]!);
        flipped[byte]! ^= 1 << bit;
        refused(proof.with(at, flipped));
        refused(proof.slice(1));
        refused(proof.slice(0, -1));
        refused([...proof, sha256()]);
        refused([...proof, ...proof]);
        if (proof.length > 1) refused([...proof].reverse());
      }),
    );
  });

  it('do not prove a leaf under a smaller size and another index, by a proof with more steps', () => {
    const [a, b] = some(2) as [Uint8Array, Uint8Array];
    const proof = merkleProof([a, b], 1);
    const claim = { root: merkleRoot([a, b]), leaf: b, index: 1, count: 2, proof };
    expect(verifyMerkleProof(claim)).toBe(true);
    expect(verifyMerkleProof({ ...claim, index: 0, count: 1 })).toBe(false);
  });

  it('answer malformed claims with no, never with an error', () => {
    const given = some(5);
    const good = {
      root: merkleRoot(given),
      leaf: given[1]!,
      index: 1,
      count: 5,
      proof: merkleProof(given, 1),
    };
    for (const wrong of [
      { index: -1 },
      { index: 1.5 },
      { index: Number.NaN },
      { index: 5 },
      { index: 2 ** 53 },
      { count: 0 },
      { count: 1 },
      { count: 1.5 },
      { count: 4 },
      { count: 9 },
      { count: Number.POSITIVE_INFINITY },
      { proof: Array.from({ length: 1000 }, () => sha256()) },
      { root: new Uint8Array(0) },
      { leaf: new Uint8Array(0) },
    ]) {
      expect(verifyMerkleProof({ ...good, ...wrong })).toBe(false);
    }
  });

  it('prove many leaves from one hashing of them: what becomes of the bytes later changes no path', () => {
    for (const count of [1, 2, 3, 6, 7, 8, 13]) {
      const given = some(count);
      const root = merkleRoot(given);
      const proofs = given.map((_, index) => merkleProof(given, index));
      const changing = given.map((leaf) => leaf.slice());
      const prove = merkleProver(changing);
      for (const leaf of changing) leaf.fill(0);
      for (const [index, leaf] of given.entries()) {
        expect(prove(index)).toEqual(proofs[index]);
        expect(verifyMerkleProof({ root, leaf, index, count, proof: prove(index) })).toBe(true);
      }
      for (const odd of [-1, count, 0.5, Number.NaN]) expect(() => prove(odd)).toThrow(RangeError);
    }
  });

  it('have no path to a leaf that is not there', () => {
    expect(() => merkleProof([], 0)).toThrow(RangeError);
    expect(() => merkleProof(leaves, 8)).toThrow(RangeError);
    expect(() => merkleProof(leaves, -1)).toThrow(RangeError);
  });
});

describe('payloads', () => {
  const bytes = drbg(utf8ToBytes('payload'))(2 * PAYLOAD_CHUNK_BYTES + 1);

  it('are cut into chunks of 64 KiB, the last one shorter', () => {
    expect(payloadChunks(bytes).map((chunk) => chunk.length)).toEqual([65_536, 65_536, 1]);
    expect(payloadChunks(bytes.subarray(1)).map((chunk) => chunk.length)).toEqual([65_536, 65_536]);
    expect(Buffer.compare(concatBytes(...payloadChunks(bytes)), bytes)).toBe(0);
  });

  it('have the root over their chunks as id', () => {
    const chunk = bytes.subarray(0, 100);
    expect(payloadId(chunk)).toEqual(sha256(Uint8Array.of(0), chunk));
    expect(payloadId(bytes)).toEqual(merkleRoot(payloadChunks(bytes)));
  });

  it('are never empty', () => {
    expect(() => payloadId(new Uint8Array(0))).toThrow(RangeError);
  });

  it('prove each chunk', () => {
    const chunks = payloadChunks(bytes);
    chunks.forEach((leaf, index) => {
      const proof = merkleProof(chunks, index);
      expect(verifyMerkleProof({ root: payloadId(bytes), leaf, index, count: 3, proof })).toBe(true);
    });
  });
});
