import { describe, expect, it } from 'vitest';
import { checkProofs, createReplay, type ProofClaim, type ReplayEntry } from '../../../audit/index.js';
import { decodeCertificate, encodeCertificate } from '../../../chain/index.js';
import { trainedChain } from '../../support/exportedChain.js';
import { certified, everyone, forgeBlock, reseal } from '../../support/tamper/forge.js';

const test = trainedChain(2);
const HEIGHT = 4;
const { block } = test.blocks[HEIGHT - 1]!;
const entry = test.entries[HEIGHT - 1]!;
const flip = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

/** The claim of an entry in the place of the one at HEIGHT: its execution holds. And what settling it finds. */
function claimOf(altered: ReplayEntry): { readonly claim: ProofClaim; readonly found: unknown } {
  const replay = createReplay(test.chain);
  for (const one of test.entries.slice(0, HEIGHT - 1)) expect(replay.take(one)).toBeNull();
  const claim = replay.defer(altered)!;
  expect(claim).not.toBeNull();
  const found = replay.settle(checkProofs([claim])[0]!);
  return { claim, found };
}

describe('the proofs of a block that executes', () => {
  it('hold for the true one', () => {
    expect(block.transactions.length).toBeGreaterThan(1);
    expect(claimOf(entry).found).toBeNull();
  });

  it('take no other block along to a worker', () => {
    // What is posted to a thread is the whole buffer that a view is of.
    expect(claimOf(entry).claim.parentSeed.buffer.byteLength).toBe(32);
  });

  // Everybody has signed each of these, and every hash in them is right: one proof alone is wrong.
  const signed = (change: Parameters<typeof reseal>[1]) => certified(test, reseal(block, change), everyone);
  const { header, parentVotes, transactions } = block;
  const badTransactions = transactions.map((one, i) =>
    i === 1 ? { ...one, signature: flip(one.signature, 3) } : one,
  );
  const badVotes = parentVotes.map((one, i) =>
    i === 2 ? { ...one, signature: flip(one.signature, 3) } : one,
  );
  const { chainId, ...certificate } = decodeCertificate(entry.certificate);
  const signatures = certificate.signatures.map((one, i) => (i === 0 ? flip(one, 3) : one));
  const cases: readonly [string, () => ReplayEntry, object][] = [
    [
      'seed’s proof',
      () => signed({ header: { seedProof: flip(header.seedProof!, 40) } }),
      { reason: 'wrong-seed' },
    ],
    [
      'vote for the parent',
      () => signed({ body: { parentVotes: badVotes } }),
      { reason: 'wrong-parent-votes' },
    ],
    [
      'transaction’s signature',
      () =>
        certified(
          test,
          forgeBlock(test, HEIGHT, { transactions: badTransactions, trusting: true }).block,
          everyone,
        ),
      { reason: 'bad-transaction', transaction: 1 },
    ],
    [
      'signature in the certificate',
      () => ({ ...entry, certificate: encodeCertificate(chainId, { ...certificate, signatures }) }),
      { reason: 'bad-certificate' },
    ],
    [
      'certificate, which is of another block',
      () => ({ ...entry, certificate: test.entries[HEIGHT - 2]!.certificate }),
      { reason: 'bad-certificate' },
    ],
  ];
  it.each(cases)('do not hold for a wrong %s', (_, make, expected) => {
    expect(claimOf(make()).found).toMatchObject({ height: HEIGHT, ...expected });
  });

  it('are each answered by itself, also when a vote stands in two of them', () => {
    const replay = createReplay(test.chain);
    const claims = test.entries.map((one) => replay.defer(one)!);
    expect(checkProofs(claims)).toEqual(claims.map(() => true));
    const bad = claims.map((claim, i) =>
      i === 3 ? { ...claim, certificate: claims[4]!.certificate } : claim,
    );
    expect(checkProofs(bad)).toEqual(claims.map((_, i) => i !== 3));
  });
});
