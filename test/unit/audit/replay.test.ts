import { describe, expect, it } from 'vitest';
import { type Anchor, createReplay, type ReplayEntry } from '../../../audit/index.js';
import { decodeCertificate, encodeBlock, encodeCertificate } from '../../../chain/index.js';
import { ledgerCell, taskCell } from '../../../contracts/index.js';
import { bytesToHex, drbg, utf8ToBytes } from '../../../crypto/index.js';
import {
  certVotes,
  createTestChain,
  declareCall,
  playRound,
  startTask,
  type TestChain,
  taskSpec,
  updateCall,
} from '../../support/chain.js';

/** Twelve heights: a task of three rounds from beginning to end, two empty blocks, one refused update. */
function trained(): TestChain {
  const test = createTestChain();
  startTask(test, taskSpec());
  test.empty();
  playRound(test);
  const [first] = test.devices as [never];
  const updates = test.devices.map((device) => updateCall(test, device, 2));
  test.block([...updates, updateCall(test, first, 2)]);
  test.empty();
  playRound(test);
  test.block([]);
  test.block([]);
  return test;
}

const chain = trained();
const { entries } = chain;
const EMPTY_HEIGHTS = [4, 8];

function replayOf(given: readonly ReplayEntry[], of: TestChain = chain, anchors: readonly Anchor[] = []) {
  const replay = createReplay(of.chain, { anchors });
  for (const entry of given) if (replay.take(entry) !== null) break;
  return replay;
}

/** What is found when the entry of a height is changed. Replays up to there alone. */
function found(height: number, change: (entry: ReplayEntry) => Partial<ReplayEntry>) {
  const entry = entries[height - 1]!;
  return replayOf([...entries.slice(0, height - 1), { ...entry, ...change(entry) }]).report().divergence;
}

const flipBit = (bytes: Uint8Array, bit: number) =>
  bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

const seed = 'flips of the audit 1';
const random = drbg(utf8ToBytes(seed));
const below = (n: number) => new DataView(random(4).buffer).getUint32(0) % n;

describe('replay', () => {
  it('passes, and counts what it checked', () => {
    const report = replayOf(entries, chain, [{ height: 12, hash: bytesToHex(chain.tip.hash) }]).report();
    expect(report.divergence).toBeNull();
    expect(report.ok).toBe(true);
    expect(report.head).toEqual({ height: 12, hash: bytesToHex(chain.tip.hash) });
    expect(report.checked).toEqual({
      blocks: 12,
      emptyBlocks: 2,
      certificates: 12,
      certificateSignatures: 48,
      committees: 12,
      // Ten leaders' blocks, the first without.
      parentVotes: 36,
      seeds: 12,
      seedProofs: 10,
      transactionSignatures: 22,
      // One publication, four declarations, four applications, twelve updates and one too many.
      transactions: 22,
      refusals: 1,
      stateRoots: 12,
      payloads: 13,
      updates: 13,
      verdicts: 12,
      models: 3,
      ledgers: 4,
    });
    expect(report.assumptions.length).toBe(3);
  });

  it('stands at the chain’s own head and state', () => {
    const { tip } = replayOf(entries);
    expect(tip.hash).toEqual(chain.tip.hash);
    expect(taskCell.get(chain.state, 1)!.status).toBe('done');
  });

  it(`finds any flipped bit in a block at its height (seed: ${seed})`, () => {
    const reasons = new Set<string>();
    for (let i = 0; i < 40; i += 1) {
      const height = 1 + below(6);
      const bit = below(entries[height - 1]!.block.length * 8);
      const divergence = found(height, ({ block }) => ({ block: flipBit(block, bit) }));
      expect(divergence, `bit ${bit} of block ${height}`).toMatchObject({ height });
      reasons.add(divergence!.reason);
    }
    expect(reasons.size).toBeGreaterThan(2);
  });

  it('finds a flipped bit in every byte of a certificate', () => {
    const { certificate } = entries[0]!;
    for (let byte = 0; byte < certificate.length; byte += 1) {
      const divergence = found(1, () => ({ certificate: flipBit(certificate, 8 * byte + below(8)) }));
      expect(divergence?.height, `byte ${byte}`).toBe(1);
      expect(['bad-certificate', 'malformed']).toContain(divergence!.reason);
    }
  });

  it('finds an altered, a dropped and a foreign payload, and names it', () => {
    const id = bytesToHex(chain.blocks[4]!.block.transactions[1]!.payloads[0]!.id);
    const put = (payloads: readonly (Uint8Array | null)[], payload: Uint8Array | null) => [
      payloads[0]!,
      payload,
      ...payloads.slice(2),
    ];
    const cases: readonly [
      string,
      string,
      (p: readonly (Uint8Array | null)[]) => readonly (Uint8Array | null)[],
    ][] = [
      ['wrong-payload', id, (p) => put(p, flipBit(p[1]!, 50))],
      ['wrong-payload', id, (p) => put(p, p[1]!.slice(0, -1))],
      ['wrong-payload', id, (p) => put(p, new Uint8Array(0))],
      ['wrong-payload', id, (p) => put(p, p[2]!)],
      ['missing-payload', id, (p) => p.slice(0, 1)],
      ['foreign-payload', 'payloads', (p) => [...p, p[0]!]],
      ['foreign-payload', 'payloads', (p) => [...p, new Uint8Array(0)]],
    ];
    for (const [reason, key, change] of cases) {
      const divergence = found(5, ({ payloads }) => ({ payloads: change(payloads) }));
      expect(divergence).toMatchObject({ height: 5, reason, key });
    }
  });

  it('finds a body that the header does not name, in a leader’s and in an empty block', () => {
    for (const height of [5, ...EMPTY_HEIGHTS]) {
      const { block } = chain.blocks[height - 1]!;
      const { transactions } = chain.blocks[1]!.block;
      const divergence = found(height, () => ({
        block: encodeBlock({ ...block, transactions }),
        payloads: [],
      }));
      expect(divergence).toMatchObject({ height, reason: 'wrong-roots' });
    }
  });

  it('finds another order of transactions that its leader sealed anew but nobody certified', () => {
    const other = createTestChain();
    startTaskTo(other, 1);
    const calls = chain.devices.map((device) => declareCall(device));
    const [one, two] = [calls, [...calls].reverse()].map((order) =>
      other.build(order.map((call) => other.sign(call))),
    );
    other.adopt(one!);
    const honest = other.entries[1]!;
    const divergence = replayOf(
      [other.entries[0]!, { ...honest, block: encodeBlock(two!.block) }],
      other,
    ).report().divergence;
    expect(divergence).toMatchObject({
      height: 2,
      reason: 'bad-certificate',
      detail: expect.stringContaining('another block'),
    });
  });

  it('finds a block that only a minority signed', () => {
    const { chainId } = chain.chain;
    const full = decodeCertificate(entries[4]!.certificate);
    const two = {
      ...full,
      bitmap: Uint8Array.of(0b0101),
      signatures: full.signatures.filter((_, i) => i % 2 === 0),
    };
    const [a, b] = full.signatures as [Uint8Array, Uint8Array];
    const cases = [
      [two, 'no-quorum'],
      [{ ...full, bitmap: Uint8Array.of(0b0111), signatures: [a, b] }, 'signature-count'],
      [{ ...full, bitmap: Uint8Array.of(0b0111), signatures: [a, b, a] }, 'bad-signature'],
      [{ ...full, bitmap: Uint8Array.of(0b10111) }, 'bad-bitmap'],
    ] as const;
    for (const [certificate, fault] of cases) {
      const divergence = found(5, () => ({ certificate: encodeCertificate(chainId, certificate) }));
      expect(divergence).toMatchObject({ height: 5, reason: 'bad-certificate', key: 'certificate' });
      expect(divergence!.detail).toContain(fault);
    }
  });

  it('finds the certificate of another height', () => {
    const divergence = found(5, () => ({ certificate: entries[3]!.certificate }));
    expect(divergence).toMatchObject({ height: 5, reason: 'bad-certificate' });
  });

  it('finds a certificate whose members signed the block for another height', () => {
    const { chainId } = chain.chain;
    const { tip } = chain.blocks[4]!;
    const votes = certVotes(chainId, { ...tip, height: 9 }, tip.committee, chain.secretOf);
    const signatures = votes.map(({ vote }) => vote.signature);
    const certificate = { height: 9, period: 0, hash: tip.hash, bitmap: Uint8Array.of(0b1111), signatures };
    const divergence = found(5, () => ({ certificate: encodeCertificate(chainId, certificate) }));
    expect(divergence).toMatchObject({ height: 5, reason: 'bad-certificate' });
  });

  it('finds a missing block at its height, whatever comes after it', () => {
    for (const height of [1, 3, 5, 7]) {
      const { divergence } = replayOf(entries.filter((_, i) => i !== height - 1)).report();
      expect(divergence).toMatchObject({ height, reason: 'wrong-height' });
    }
  });

  it('finds a block twice, and one in the place of another', () => {
    const twice = replayOf([entries[0]!, entries[0]!]).report().divergence;
    expect(twice).toMatchObject({ height: 2, reason: 'wrong-height' });
  });

  it('finds a chain of another genesis at its first block', () => {
    const other = createTestChain({ params: { eraHeights: 33 } });
    expect(replayOf(entries, other).report().divergence).toMatchObject({ height: 1, reason: 'wrong-chain' });
  });

  it('finds what is no block or no certificate', () => {
    const empty = new Uint8Array(0);
    expect(found(2, () => ({ block: empty }))).toMatchObject({ height: 2, reason: 'malformed' });
    expect(found(2, () => ({ certificate: empty }))).toMatchObject({ height: 2, reason: 'malformed' });
    expect(found(2, ({ block }) => ({ block: block.slice(0, -1) }))).toMatchObject({ reason: 'malformed' });
  });

  it('takes nothing more after a divergence, and keeps to the first', () => {
    const replay = createReplay(chain.chain);
    const first = replay.take(entries[1]!);
    expect(first).toMatchObject({ height: 1, reason: 'wrong-height' });
    expect(replay.take(entries[0]!)).toBe(first);
    expect(replay.break('cut-short', 'the file ends')).toBe(first);
    expect(replay.report()).toMatchObject({
      ok: false,
      divergence: first,
      head: { height: 0 },
    });
  });

  it('says that its source was cut short', () => {
    const replay = replayOf(entries.slice(0, 2));
    replay.break('cut-short', 'the file ends');
    expect(replay.report()).toMatchObject({
      ok: false,
      divergence: { height: 3, reason: 'cut-short' },
      head: { height: 2 },
    });
  });

  it('compares with an anchor', () => {
    const hashAt = (height: number) => bytesToHex(chain.blocks[height - 1]!.hash);
    const short = entries.slice(0, 3);
    const report = (height: number, hash: string) => replayOf(short, chain, [{ height, hash }]).report();
    expect(report(2, hashAt(2)).ok).toBe(true);
    expect(report(0, bytesToHex(chain.chain.chainId)).ok).toBe(true);
    expect(report(2, hashAt(3)).divergence).toMatchObject({
      height: 2,
      reason: 'not-the-anchor',
      key: 'anchor',
    });
    expect(report(4, hashAt(4)).divergence).toMatchObject({ height: 4, reason: 'not-the-anchor' });
  });

  it('finds an overdrawn ledger in the state', () => {
    const ledger = {
      unit: 'record',
      epsilonMicro: 1,
      deltaPico: 1,
      order: null,
      rhoCap: 5n,
      charges: 1,
    } as const;
    const overdrawn = (rhoSpent: bigint) =>
      createTestChain({
        write: (state) => {
          ledgerCell.set(state, { ...ledger, rhoSpent: 5n }, 'aa', 'bb');
          ledgerCell.set(state, { ...ledger, rhoSpent }, 'cc', 'dd');
        },
      });
    expect(replayOf([], overdrawn(5n)).report()).toMatchObject({ ok: true, checked: { ledgers: 2 } });
    expect(replayOf([], overdrawn(6n)).report()).toMatchObject({
      ok: false,
      checked: { ledgers: 2 },
      divergence: { reason: 'overdrawn', key: 'privacy/ledger/cc/dd' },
    });
  });
});

function startTaskTo(test: TestChain, height: number): void {
  while (test.tip.height < height) test.block([]);
}
