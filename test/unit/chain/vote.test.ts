import { describe, expect, it } from 'vitest';
import {
  anyNode,
  decodeVote,
  encode,
  encodeVote,
  limits,
  PERIOD_MAX,
  type Step,
  signProposal,
  signVote,
  type Vote,
  verifyProposal,
  verifyVote,
} from '../../../chain/index.js';
import { sha256, sign, utf8ToBytes } from '../../../crypto/index.js';
import { ada, ben, chainId } from '../../support/notesChain.js';

const value = sha256(utf8ToBytes('block'));
const other = sha256(utf8ToBytes('another'));
const soft = signVote(chainId, { height: 9, period: 2, step: 'soft', value }, ada.key, ada.secret);

const holds = (vote: Vote, chain = chainId): boolean => verifyVote(chain, vote.voter, vote, vote.signature);

describe('a vote', () => {
  it.each([
    ['soft', value],
    ['cert', value],
    ['next', value],
    ['next', null],
  ] as [Step, Uint8Array | null][])('%s goes there and back and verifies', (step, voted) => {
    const vote = signVote(
      chainId,
      { height: 9, period: PERIOD_MAX, step, value: voted },
      ada.key,
      ada.secret,
    );
    const raw = encodeVote(chainId, vote);
    expect(decodeVote(chainId, raw)).toEqual({ ok: true, vote });
    expect(holds(vote)).toBe(true);
    expect(raw.length).toBeLessThanOrEqual(limits.voteBytesMax);
  });

  it('is signed over tag, version, chain id, height, period, step and value', () => {
    const message = encode(anyNode, ['consilium/vote', 1, chainId, 9, 2, 'soft', value]);
    expect(soft.signature).toEqual(sign(ada.secret, message));
  });

  it('does not verify with anything about it changed', () => {
    const changes: Partial<Vote>[] = [
      { height: 10 },
      { period: 3 },
      { step: 'cert' },
      { step: 'next' },
      { value: other },
      { step: 'next', value: null },
      { voter: ben.key },
      { signature: new Uint8Array(64) },
      { signature: soft.signature.subarray(1) },
    ];
    for (const change of changes) expect(holds({ ...soft, ...change })).toBe(false);
    expect(holds(soft, sha256(chainId))).toBe(false);
    expect(holds(soft)).toBe(true);
  });

  it('for ⊥ is a next vote: a signature under any other does not make it one', () => {
    for (const step of ['soft', 'cert'] as const) {
      const vote = signVote(chainId, { height: 9, period: 2, step, value: null }, ada.key, ada.secret);
      expect(holds(vote)).toBe(false);
      expect(decodeVote(chainId, encodeVote(chainId, vote))).toEqual({ ok: false, reason: 'empty-value' });
    }
  });

  it('of another chain is named as such', () => {
    expect(decodeVote(sha256(chainId), encodeVote(chainId, soft))).toEqual({
      ok: false,
      reason: 'wrong-chain',
    });
  });

  it('that is cut, longer, altered in form or too large is malformed', () => {
    const raw = encodeVote(chainId, soft);
    const form = (...fields: unknown[]): Uint8Array =>
      encode(anyNode, ['consilium/vote', 1, chainId, ...fields]);
    const { voter, signature } = soft;
    expect(form(9, 2, 'soft', value, voter, signature)).toEqual(raw);
    const bad = [
      raw.subarray(1),
      raw.subarray(0, -1),
      Uint8Array.of(...raw, 0),
      new Uint8Array(0),
      new Uint8Array(limits.voteBytesMax + 1),
      form(9, 2, 'soft', value, voter),
      form(9, 2, 'softer', value, voter, signature),
      form(-1, 2, 'soft', value, voter, signature),
      form(9, PERIOD_MAX + 1, 'soft', value, voter, signature),
      form(9, 2, 'soft', value.subarray(1), voter, signature),
      form(9, 2, 'soft', value, voter.subarray(1), signature),
      form(9, 2, 'soft', value, voter, signature.subarray(1)),
      form(9, 2, 'soft', value, voter, signature, null),
    ];
    for (const wrong of bad) expect(decodeVote(chainId, wrong)).toEqual({ ok: false, reason: 'malformed' });
  });

  it('is never a proposal, nor a proposal a vote', () => {
    const proposal = signProposal(chainId, 9, value, ada.secret);
    expect(verifyProposal(chainId, ada.key, 9, value, proposal)).toBe(true);
    for (const step of ['soft', 'cert', 'next'] as const) {
      expect(verifyVote(chainId, ada.key, { height: 9, period: 0, step, value }, proposal)).toBe(false);
      const vote = signVote(chainId, { height: 9, period: 0, step, value }, ada.key, ada.secret);
      expect(verifyProposal(chainId, ada.key, 9, value, vote.signature)).toBe(false);
    }
  });
});

describe('a proposal', () => {
  it('verifies for its leader, height, block and chain alone', () => {
    const signature = signProposal(chainId, 9, value, ada.secret);
    expect(verifyProposal(chainId, ben.key, 9, value, signature)).toBe(false);
    expect(verifyProposal(chainId, ada.key, 8, value, signature)).toBe(false);
    expect(verifyProposal(chainId, ada.key, 9, other, signature)).toBe(false);
    expect(verifyProposal(sha256(chainId), ada.key, 9, value, signature)).toBe(false);
    expect(verifyProposal(chainId, ada.key, 9, value, new Uint8Array(64))).toBe(false);
  });
});
