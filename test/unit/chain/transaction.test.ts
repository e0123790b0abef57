import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  anyNode,
  decodeTransaction,
  encode,
  encodeTransaction,
  limits,
  payloadId,
  signTransaction,
  type Transaction,
  transactionCodec,
  transactionHash,
  transactionId,
  tryDecode,
  type UnsignedTransaction,
  verifyTransaction,
} from '../../../chain/index.js';
import { bytesToHex, sha256, sign, utf8ToBytes } from '../../../crypto/index.js';
import { ada, ben, chainId } from '../../support/notesChain.js';

const payload = utf8ToBytes('an update');
const unsigned: UnsignedTransaction = {
  chainId,
  level: 3,
  from: ada.key,
  nonce: 7,
  contract: 'training',
  method: 'update',
  args: { round: 4, digest: sha256(), note: 'x' },
  payloads: [{ id: payloadId(payload), size: payload.length }],
};
const transaction = signTransaction(unsigned, ada.secret);
const raw = encodeTransaction(transaction);

function reasonOf(given: Transaction, chain = chainId): string {
  const result = verifyTransaction(given, chain);
  return result.ok ? 'ok' : result.reason;
}

describe('a transaction', () => {
  it('goes there and back, and its hash is that of its bytes', () => {
    expect(decodeTransaction(raw)).toEqual(transaction);
    expect(transactionHash(transaction)).toEqual(sha256(raw));
    expect(transactionId(transaction)).toBe(bytesToHex(sha256(raw)));
    const verified = verifyTransaction(transaction, chainId);
    expect(verified).toEqual({
      ok: true,
      value: {
        transaction,
        hash: sha256(raw),
        id: bytesToHex(sha256(raw)),
        sender: bytesToHex(transaction.from),
        size: raw.length,
        verified: true,
      },
    });
  });

  it('is signed over tag, version, chain id and every field', () => {
    const { level, from, nonce, contract, method, args, payloads } = unsigned;
    const refs = payloads.map(({ id, size }) => [id, size]);
    const message = encode(anyNode, [
      'consilium/transaction',
      1,
      chainId,
      level,
      from,
      nonce,
      contract,
      method,
      args,
      refs,
    ]);
    expect(transaction.signature).toEqual(sign(ada.secret, message));
  });

  it('with any field changed has a bad signature', () => {
    const changes: Partial<Transaction>[] = [
      { level: 4 },
      { nonce: 8 },
      { from: ben.key },
      { contract: 'tasks' },
      { method: 'updatE' },
      { args: { ...(unsigned.args as object), round: 5 } },
      { args: null },
      { payloads: [] },
      { payloads: [{ ...unsigned.payloads[0]!, size: 8 }] },
      { payloads: [...unsigned.payloads, ...unsigned.payloads] },
      { signature: new Uint8Array(64) },
    ];
    for (const change of changes) expect(reasonOf({ ...transaction, ...change })).toBe('bad-signature');
  });

  it('with any bit of its bytes flipped is refused: by the decoder, the chain id or the signature', () => {
    fc.assert(
      fc.property(fc.nat(raw.length - 1), fc.nat(7), (at, bit) => {
        const flipped = new Uint8Array(raw);
        flipped[at]! ^= 1 << bit;
        const decoded = tryDecode(transactionCodec, flipped, limits.transactionBytesMax);
        if (decoded.ok) expect(['bad-signature', 'wrong-chain']).toContain(reasonOf(decoded.value));
      }),
      { numRuns: 500 },
    );
  });

  it('belongs to one chain', () => {
    const other = sha256(chainId);
    expect(reasonOf(transaction, other)).toBe('wrong-chain');
    expect(reasonOf({ ...transaction, chainId: other }, other)).toBe('bad-signature');
  });

  it('signed with a key that is not its sender has a bad signature', () => {
    expect(reasonOf(signTransaction(unsigned, ben.secret))).toBe('bad-signature');
  });

  it('of more than the allowed bytes is refused by decoder and verifier alike', () => {
    const fat = (size: number): Transaction =>
      signTransaction({ ...unsigned, args: 'x'.repeat(size) }, ada.secret);
    const overhead = encodeTransaction(fat(60_000)).length - 60_000;
    const largest = fat(limits.transactionBytesMax - overhead);
    expect(encodeTransaction(largest).length).toBe(limits.transactionBytesMax);
    expect(reasonOf(largest)).toBe('ok');
    expect(decodeTransaction(encodeTransaction(largest))).toEqual(largest);
    const larger = fat(limits.transactionBytesMax - overhead + 1);
    expect(reasonOf(larger)).toBe('oversize');
    expect(() => decodeTransaction(encodeTransaction(larger))).toThrow(
      expect.objectContaining({ reason: 'oversize' }),
    );
  });

  const bad: [string, Partial<Record<keyof Transaction, unknown>>][] = [
    ['a level above the highest', { level: limits.levelMax + 1 }],
    ['a negative level', { level: -1 }],
    ['a negative nonce', { nonce: -1 }],
    ['a nonce beyond 2^53', { nonce: 2n ** 53n }],
    ['a short key', { from: new Uint8Array(31) }],
    ['a short chain id', { chainId: new Uint8Array(31) }],
    ['a long signature', { signature: new Uint8Array(65) }],
    ['a long contract name', { contract: 'x'.repeat(limits.nameBytesMax + 1) }],
    ['too many payloads', { payloads: Array.from({ length: 5 }, () => [sha256(), 1]) }],
    ['an empty payload', { payloads: [[sha256(), 0]] }],
    ['a payload too large', { payloads: [[sha256(), limits.payloadBytesMax + 1]] }],
    ['a payload with a third field', { payloads: [[sha256(), 1, 1]] }],
  ];

  it.each(bad)('with %s does not decode', (_, fields) => {
    const { chainId: id, level, from, nonce, contract, method, args, signature } = transaction;
    const plain = { chainId: id, level, from, nonce, contract, method, args, payloads: [], signature };
    const whole = { ...plain, ...fields };
    const order = [
      'chainId',
      'level',
      'from',
      'nonce',
      'contract',
      'method',
      'args',
      'payloads',
      'signature',
    ] as const;
    const form = (given: Record<string, unknown>): Uint8Array =>
      encode(anyNode, ['consilium/transaction', 1, ...order.map((name) => given[name])]);
    expect(tryDecode(transactionCodec, form(plain), limits.transactionBytesMax).ok).toBe(true);
    expect(tryDecode(transactionCodec, form(whole), limits.transactionBytesMax).ok).toBe(false);
  });

  it('goes there and back with any arguments', () => {
    const args = fc
      .jsonValue({ maxDepth: 3 })
      .map(
        (value) =>
          JSON.parse(JSON.stringify(value).replaceAll('\\ufeff', '').replaceAll('\ufeff', '')) as unknown,
      );
    fc.assert(
      fc.property(args, fc.maxSafeNat(), (given, nonce) => {
        const signed = signTransaction({ ...unsigned, args: given, nonce }, ada.secret);
        const back = decodeTransaction(encodeTransaction(signed));
        expect(encodeTransaction(back)).toEqual(encodeTransaction(signed));
        expect(reasonOf(back)).toBe('ok');
      }),
    );
  });
});
