import { beforeAll, describe, expect, it } from 'vitest';
import {
  encodeStep,
  type Followed,
  follow,
  LINKS_MAX,
  type LightChain,
  type LightFault,
  type LightHead,
  type LightStep,
  lightChain,
  lightStart,
  linkBack,
  type ProvedBlock,
} from '../../../../audit/light/index.js';
import { blockHash, encodeHeader, type Header, signVote } from '../../../../chain/index.js';
import { drawCommittee, quorumOf } from '../../../../consensus/index.js';
import { bytesToHex, equalBytes, publicKeyOf, sha256, utf8ToBytes } from '../../../../crypto/index.js';
import type { TestChain } from '../../../support/chain.js';
import { lightHeadAt, quietChain, rawStart, rawStep, ringAfter, stepOf } from '../../../support/light.js';

const HEIGHT = 14;

let test: TestChain;
let chain: LightChain;
let genesis: LightHead;
beforeAll(() => {
  test = quietChain(HEIGHT);
  const start = lightChain(test.genesis);
  chain = start.chain;
  genesis = start.head;
}, 60_000);

function followed(result: Followed): LightHead {
  if (!result.ok) throw new Error(`${result.reason}: ${result.detail}`);
  return result.head;
}

const headAt = (height: number): LightHead => lightHeadAt(test, height).head;

const reasonOf = (result: Followed): LightFault | null => (result.ok ? null : result.reason);
const refusal = (head: LightHead, step: LightStep): LightFault | null =>
  reasonOf(follow(chain, head, encodeStep(step)));

/** A step whose header is changed and certified anew by the real committee: what a bad quorum could sign. */
function recertified(height: number, change: Partial<Header>): LightStep {
  const step = stepOf(test, height);
  const header = { ...step.header, ...change };
  const { committee } = test.blocks[height - 1]!.tip;
  const hash = blockHash(header);
  const vote = { height: header.height, period: 0, step: 'cert', value: hash } as const;
  const signatures = committee.map(
    (seat) => signVote(header.chainId, vote, seat.publicKey, test.secretOf(seat).secret).signature,
  );
  const certificate = {
    ...step.certificate,
    height: header.height,
    hash,
    period: 0,
    bitmap: Uint8Array.of(15),
  };
  return { ...step, header, certificate: { ...certificate, signatures } };
}

describe('following a chain whose committee is the whole ring', () => {
  it('needs one header an era, and knows who votes next at each', () => {
    for (const height of [1, 3, 7, 8, 11, 12, HEIGHT]) {
      const head = headAt(height);
      const { header } = test.blocks[height - 1]!.block;
      expect(head.height).toBe(height);
      expect(bytesToHex(head.hash)).toBe(bytesToHex(blockHash(header)));
      expect(head.ring).toEqual(ringAfter(test, height));
      expect(head.block!.header).toEqual(header);
    }
    // Or the test would say nothing about changes of the ring.
    expect(ringAfter(test, 7)).not.toEqual(ringAfter(test, 11));
  });

  it('takes the empty block like any other', () => {
    expect(stepOf(test, 6).header.leader).toBeNull();
    expect(headAt(6).block!.header.leader).toBeNull();
  });

  it('does not go beyond the era whose ring is proved, nor back', () => {
    expect(refusal(headAt(2), stepOf(test, 4))).toBe('skips-era');
    expect(refusal(genesis, stepOf(test, 8))).toBe('skips-era');
    expect(refusal(headAt(3), stepOf(test, 3))).toBe('wrong-height');
    expect(refusal(headAt(3), stepOf(test, 2))).toBe('wrong-height');
  });

  it('wants a child where it stands right before it, and later times', () => {
    const head = headAt(1);
    expect(refusal(head, recertified(2, { parent: new Uint8Array(32) }))).toBe('wrong-parent');
    expect(refusal(head, recertified(2, { time: head.time }))).toBe('wrong-time');
    expect(refusal(head, recertified(3, { time: head.time + 1 }))).toBe('wrong-time');
    expect(refusal(head, recertified(3, { time: head.time + 2 }))).toBeNull();
  });

  it('refuses a ring that the header does not name, and none where it changes', () => {
    const before = headAt(6);
    const step = stepOf(test, 7);
    expect(step.nextRing).not.toBeNull();
    expect(refusal(before, { ...step, nextRing: null })).toBe('wrong-ring');
    expect(refusal(before, { ...step, nextRing: ringAfter(test, 6) })).toBe('wrong-ring');
    const [first, ...rest] = step.nextRing!;
    expect(refusal(before, { ...step, nextRing: rest })).toBe('wrong-ring');
    expect(refusal(before, { ...step, nextRing: [...rest, first!] })).toBe('wrong-ring');
    expect(refusal(before, { ...step, nextRing: [first!, first!, ...rest] })).toBe('wrong-ring');
    expect(refusal(before, { ...step, nextRing: [] })).toBe('wrong-ring');
    expect(refusal(before, { ...step, nextRing: [{ ...first!, weight: first!.weight + 1 }, ...rest] })).toBe(
      'wrong-ring',
    );
    expect(refusal(before, step)).toBeNull();
  });
});

describe('a certificate', () => {
  const changed = (height: number, change: Partial<LightStep['certificate']>): LightStep => {
    const step = stepOf(test, height);
    return { ...step, certificate: { ...step.certificate, ...change } };
  };

  it('needs a quorum: one signature less is none', () => {
    const { certificate } = stepOf(test, 2);
    const quorum = quorumOf(4);
    const some = (count: number) =>
      changed(2, {
        bitmap: Uint8Array.of(2 ** count - 1),
        signatures: certificate.signatures.slice(0, count),
      });
    expect(certificate.signatures.length).toBe(4);
    expect(refusal(genesis, some(quorum))).toBeNull();
    expect(refusal(genesis, some(quorum - 1))).toBe('no-quorum');
  });

  it('counts nobody twice', () => {
    const { signatures } = stepOf(test, 2).certificate;
    const [a, b] = signatures;
    expect(refusal(genesis, changed(2, { signatures: [a!, b!, b!, b!] }))).toBe('bad-signature');
    expect(refusal(genesis, changed(2, { bitmap: Uint8Array.of(3), signatures: [a!, b!, b!] }))).toBe(
      'no-quorum',
    );
    expect(refusal(genesis, changed(2, { bitmap: Uint8Array.of(7), signatures: [a!, b!, b!, b!] }))).toBe(
      'signature-count',
    );
    expect(refusal(genesis, changed(2, { bitmap: Uint8Array.of(31) }))).toBe('bad-bitmap');
  });

  it('is of this block, height and chain', () => {
    expect(refusal(genesis, changed(2, { height: 3 }))).toBe('other-block');
    expect(refusal(genesis, changed(2, { hash: new Uint8Array(32) }))).toBe('other-block');
    expect(refusal(genesis, changed(2, { chainId: new Uint8Array(32) }))).toBe('other-block');
    expect(refusal(genesis, { ...stepOf(test, 2), certificate: stepOf(test, 3).certificate })).toBe(
      'other-block',
    );
    const foreign = recertified(2, { chainId: new Uint8Array(32) });
    expect(refusal(genesis, foreign)).toBe('wrong-chain');
  });

  it('is signed by the ring of its era: strangers, and validators of another ring, do not count', () => {
    const strangers = Array.from({ length: 4 }, (_, i) => sha256(utf8ToBytes(`stranger ${i}`)));
    const { header, certificate } = stepOf(test, 2);
    const vote = { height: 2, period: 0, step: 'cert', value: blockHash(header) } as const;
    const signatures = strangers.map(
      (secret) => signVote(chain.chainId, vote, publicKeyOf(secret), secret).signature,
    );
    expect(refusal(genesis, changed(2, { signatures }))).toBe('bad-signature');
    // The same signatures do for a client whose ring these are.
    const seats = strangers.map((secret) => ({
      publicKey: publicKeyOf(secret),
      vrfPublicKey: publicKeyOf(secret),
      weight: 1,
    }));
    const ring = seats.sort((a, b) => Buffer.compare(a.publicKey, b.publicKey));
    const order = drawCommittee(ring, stepOf(test, 2).parentSeed, 4).map((seat) => ring[seat]!.publicKey);
    const byKey = new Map(strangers.map((secret, i) => [bytesToHex(publicKeyOf(secret)), signatures[i]!]));
    const sorted = order.map((key) => byKey.get(bytesToHex(key))!);
    const theirs = changed(2, { period: certificate.period, signatures: sorted });
    expect(refusal({ ...genesis, ring }, { ...theirs, nextRing: ringAfter(test, 2) })).toBeNull();
    expect(refusal(genesis, theirs)).toBe('bad-signature');
  });

  it('does not pass with a ring of another era: one seat more, or another order', () => {
    const late = stepOf(test, 10);
    const head = headAt(9);
    const [one] = ringAfter(test, 9);
    const stranger = { ...one!, publicKey: publicKeyOf(sha256()) };
    const grown = [...head.ring, stranger].sort((a, b) => Buffer.compare(a.publicKey, b.publicKey));
    expect(refusal({ ...head, ring: grown }, late)).not.toBeNull();
    expect(refusal({ ...head, ring: head.ring.slice(1) }, late)).not.toBeNull();
    expect(refusal(head, late)).toBeNull();
  });
});

describe('following a chain whose committees are a part of the ring', () => {
  it('needs every header, one after another, and draws each committee from its proved parent', () => {
    const part = quietChain(HEIGHT, 4, 7);
    const start = lightChain(part.genesis);
    expect(reasonOf(follow(start.chain, start.head, rawStep(part, 2)))).toBe('skips-height');
    let head = start.head;
    for (let height = 1; height <= HEIGHT; height += 1) {
      // The seed that the node names is not looked at.
      const raw = encodeStep({ ...stepOf(part, height), parentSeed: sha256() });
      head = followed(follow(start.chain, head, raw));
    }
    expect(bytesToHex(head.hash)).toBe(bytesToHex(part.tip.hash));
    const elsewhere = { ...headOf(part, start, 4), seed: sha256() };
    expect(reasonOf(follow(start.chain, elsewhere, rawStep(part, 5)))).toBe('bad-signature');
  });

  function headOf(part: TestChain, start: ReturnType<typeof lightChain>, to: number): LightHead {
    let { head } = start;
    while (head.height < to) head = followed(follow(start.chain, head, rawStep(part, head.height + 1)));
    return head;
  }
});

describe('beginning at a known block', () => {
  const known = (height: number) => ({ height, hash: test.blocks[height - 1]!.hash });

  it('stands where following would have led', () => {
    expect(followed(lightStart(chain, known(9), rawStart(test, 9)))).toEqual(headAt(9));
    expect(followed(lightStart(chain, known(7), rawStart(test, 7)))).toEqual(headAt(7));
  });

  it('takes no other block, ring or chain', () => {
    const raw = rawStart(test, 9);
    expect(reasonOf(lightStart(chain, known(8), raw))).toBe('wrong-height');
    expect(reasonOf(lightStart(chain, { ...known(9), hash: sha256() }, raw))).toBe('wrong-hash');
    expect(reasonOf(lightStart({ ...chain, chainId: sha256() }, known(9), raw))).toBe('wrong-chain');
    expect(reasonOf(lightStart(chain, known(9), raw.subarray(1)))).toBe('malformed');
  });
});

describe('going back by hashes', () => {
  const headers = (from: number, to: number) =>
    test.blocks.slice(from - 1, to).map(({ block }) => encodeHeader(block.header));

  it('proves each header up to the one asked for', () => {
    const { block } = headAt(12);
    const back = linkBack(block!, headers(2, 11));
    expect(back.ok && equalBytes(back.block.hash, test.blocks[1]!.hash)).toBe(true);
    expect(linkBack(block!, [])).toEqual({ ok: true, block });
  });

  it('refuses gaps, disorder, other headers and too many', () => {
    const { block } = headAt(12) as { block: ProvedBlock };
    const reason = (given: readonly Uint8Array[]) => {
      const back = linkBack(block, given);
      return back.ok ? null : back.reason;
    };
    expect(reason(headers(2, 10))).toBe('wrong-parent');
    expect(reason([...headers(2, 8), ...headers(10, 11)])).toBe('wrong-parent');
    expect(reason(headers(2, 11).toReversed())).toBe('wrong-parent');
    expect(reason([...headers(2, 10), new Uint8Array(9)])).toBe('malformed');
    expect(reason(Array.from({ length: LINKS_MAX + 1 }, () => new Uint8Array(0)))).toBe('too-many');
  });
});

describe('a step', () => {
  it('is bounded before it is read', () => {
    expect(reasonOf(follow(chain, genesis, new Uint8Array(1_000_000)))).toBe('malformed');
    expect(reasonOf(follow(chain, genesis, new Uint8Array(0)))).toBe('malformed');
  });
});
