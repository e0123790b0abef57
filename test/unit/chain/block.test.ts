import { describe, expect, it } from 'vitest';
import {
  announcedBytes,
  type Block,
  blockHash,
  CERTIFICATE_BYTES_MAX,
  type Certificate,
  decodeBlock,
  decodeCertificate,
  encodeBlock,
  encodeCertificate,
  encodeHeader,
  encodeTransaction,
  equalHeaders,
  type Header,
  limits,
  merkleRoot,
  noteChecked,
  type ParentVote,
  PERIOD_MAX,
  parentVotesRoot,
  rootsMatch,
  transactionsRoot,
} from '../../../chain/index.js';
import { drbg, sha256, utf8ToBytes } from '../../../crypto/index.js';
import { ada, ben, chainId, genesisParent, makeNext, signed } from '../../support/notesChain.js';

const votes: ParentVote[] = [ada, ben].map(({ key }) => ({
  voter: key,
  period: 0,
  signature: drbg(key)(64),
}));
const made = makeNext(genesisParent()).commit.block;
const block: Block = {
  ...made,
  header: { ...made.header, parentVotesRoot: parentVotesRoot({ parentVotes: votes }) },
  parentVotes: votes,
};

describe('a block', () => {
  it('goes there and back', () => {
    expect(decodeBlock(encodeBlock(block))).toEqual(block);
  });

  it('remembers the bytes of its parts, in whatever kind of array it came', () => {
    const raw = encodeBlock(block);
    const padded = Buffer.concat([Uint8Array.of(1, 2, 3), raw, Uint8Array.of(4)]);
    for (const bytes of [raw, padded.subarray(3, -1)]) {
      const { header, transactions, parentVotes } = decodeBlock(bytes);
      expect(encodeHeader(header)).toEqual(encodeHeader(structuredClone(block.header)));
      for (const [i, each] of transactions.entries())
        expect(encodeTransaction(each)).toEqual(encodeTransaction(structuredClone(block.transactions[i]!)));
      expect(parentVotesRoot({ parentVotes })).toEqual(block.header.parentVotesRoot);
    }
  });

  it('of which another thread found hash and body is not asked again', () => {
    const other = { ...decodeBlock(encodeBlock(block)), parentVotes: [] };
    expect(rootsMatch({ ...other, parentVotes: votes.slice(1) })).toBe(false);
    const hash = new Uint8Array(32).fill(9);
    noteChecked(other, hash);
    expect([rootsMatch(other), blockHash(other.header)]).toEqual([true, hash]);
  });

  it('has the header of another only if every field is the same', () => {
    const { header } = block;
    expect(equalHeaders(header, structuredClone(header))).toBe(true);
    for (const name of Object.keys(header) as (keyof Header)[]) {
      const value = header[name];
      const changed = value instanceof Uint8Array ? value.map((byte) => byte ^ 1) : Number(value) + 1;
      expect(equalHeaders(header, { ...header, [name]: changed })).toBe(false);
      if (value instanceof Uint8Array) expect(equalHeaders(header, { ...header, [name]: null })).toBe(false);
    }
  });

  it('has the hash of its header, which every field of the header changes', () => {
    expect(blockHash(block.header)).toEqual(sha256(encodeHeader(block.header)));
    const other = sha256(utf8ToBytes('other'));
    const changes: { readonly [name in keyof Header]: Header[name] } = {
      chainId: other,
      protocol: 2,
      height: 2,
      level: 1,
      time: 5,
      parent: other,
      leader: null,
      seed: other,
      seedProof: null,
      transactionsRoot: other,
      receiptsRoot: other,
      parentVotesRoot: other,
      nextRingRoot: other,
      stateRoot: other,
    };
    const hashes = Object.entries(changes).map(([name, value]) =>
      Buffer.from(blockHash({ ...block.header, [name]: value })).toString('hex'),
    );
    hashes.push(Buffer.from(blockHash(block.header)).toString('hex'));
    expect(Object.keys(changes).sort()).toEqual(Object.keys(block.header).sort());
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('has roots over its transactions and parent votes, in their order', () => {
    expect(rootsMatch(block)).toBe(true);
    const { transactions, parentVotes } = block;
    expect(rootsMatch({ ...block, transactions: transactions.slice(1) })).toBe(false);
    expect(rootsMatch({ ...block, transactions: [...transactions].reverse() })).toBe(false);
    expect(rootsMatch({ ...block, transactions: [...transactions, transactions[0]!] })).toBe(false);
    expect(rootsMatch({ ...block, parentVotes: [] })).toBe(false);
    expect(rootsMatch({ ...block, parentVotes: [...parentVotes].reverse() })).toBe(false);
    const resigned = { ...parentVotes[0]!, signature: new Uint8Array(64) };
    expect(rootsMatch({ ...block, parentVotes: parentVotes.with(0, resigned) })).toBe(false);
    expect(rootsMatch({ ...block, header: { ...block.header, stateRoot: sha256() } })).toBe(true);
  });

  it('without transactions or votes has the root of the empty list', () => {
    expect(transactionsRoot({ transactions: [] })).toEqual(merkleRoot([]));
    expect(parentVotesRoot({ parentVotes: [] })).toEqual(merkleRoot([]));
  });

  it('is not decoded from more than the allowed bytes, transactions or votes', () => {
    const code = (raw: Uint8Array): string => {
      try {
        decodeBlock(raw);
        return 'accepted';
      } catch (error) {
        return (error as { reason: string }).reason;
      }
    };
    expect(code(new Uint8Array(limits.blockBytesMax + 1))).toBe('oversize');
    expect(code(new Uint8Array(0))).toBe('not-cbor');
    expect(code(encodeBlock(block).subarray(0, -1))).toBe('not-cbor');
    expect(code(Uint8Array.of(...encodeBlock(block), 0))).toBe('not-cbor');
  });

  it('counts the payload bytes that it announces', () => {
    const ref = (size: number) => ({ id: sha256(), size });
    const { transaction: first } = signed(ada, { payloads: [ref(5), ref(7)] });
    const { transaction: second } = signed(ben, { payloads: [ref(11)] });
    expect(announcedBytes({ transactions: [first, second] })).toBe(23);
    expect(announcedBytes({ transactions: [] })).toBe(0);
  });

  it('that is as full as the rules allow has no more bytes than a block may', () => {
    const fullVote: ParentVote = { voter: ada.key, period: PERIOD_MAX, signature: new Uint8Array(64) };
    const header: Header = {
      ...block.header,
      height: 2 ** 53 - 1,
      time: 2 ** 53 - 1,
      level: limits.levelMax,
    };
    const parentVotes = Array.from({ length: limits.membersMax }, () => fullVote);
    const beside = encodeBlock({ header, transactions: [], parentVotes }).length;
    // The list of transactions: 1 byte when empty, 3 when full.
    expect(beside + 2 + limits.transactionBytesPerBlockMax).toBeLessThanOrEqual(limits.blockBytesMax);
  });
});

describe('a certificate', () => {
  const certificate: Certificate = {
    height: 5,
    period: 1,
    hash: sha256(),
    bitmap: Uint8Array.of(0b1011, 0),
    signatures: [1, 2, 3].map((n) => new Uint8Array(64).fill(n)),
  };

  it('goes there and back with its chain id', () => {
    const raw = encodeCertificate(chainId, certificate);
    expect(decodeCertificate(raw)).toEqual({ ...certificate, chainId });
    expect(() => decodeCertificate(raw.subarray(0, -1))).toThrow();
    expect(() => decodeCertificate(Uint8Array.of(...raw, 0))).toThrow();
  });

  it('of the largest committee fits its bound', () => {
    const largest: Certificate = {
      ...certificate,
      height: 2 ** 53 - 1,
      period: PERIOD_MAX,
      bitmap: new Uint8Array(Math.ceil(limits.membersMax / 8)),
      signatures: Array.from({ length: limits.membersMax }, () => new Uint8Array(64)),
    };
    const raw = encodeCertificate(chainId, largest);
    expect(raw.length).toBeLessThanOrEqual(CERTIFICATE_BYTES_MAX);
    expect(decodeCertificate(raw).signatures.length).toBe(limits.membersMax);
  });

  it('with fields out of bounds is not encoded', () => {
    const bad: Partial<Certificate>[] = [
      { bitmap: new Uint8Array(0) },
      { bitmap: new Uint8Array(126) },
      { hash: new Uint8Array(31) },
      { period: -1 },
      { signatures: [new Uint8Array(63)] },
      { signatures: Array.from({ length: limits.membersMax + 1 }, () => new Uint8Array(64)) },
    ];
    for (const change of bad)
      expect(() => encodeCertificate(chainId, { ...certificate, ...change })).toThrow();
  });
});
