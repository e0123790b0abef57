import { expect, it } from 'vitest';
import {
  encodeStep,
  follow,
  type LightHead,
  type LightStep,
  proveBase,
} from '../../../../audit/light/index.js';
import { drawCommittee, signersOf } from '../../../../consensus/index.js';
import { bytesToHex, sha256, utf8ToBytes } from '../../../../crypto/index.js';
import { lightHeadAt, quietChain, stepOf } from '../../../support/light.js';

/** Height 6 is the empty block. */
const test = quietChain(7);
const { chain, head } = lightHeadAt(test, 3);

/** The same signatures in the order in which this seed would draw the same members. */
function reordered(step: LightStep, from: LightHead, parentSeed: Uint8Array): LightStep {
  const { certificate } = step;
  const members = from.ring.length;
  const before = drawCommittee(from.ring, step.parentSeed, members);
  const after = drawCommittee(from.ring, parentSeed, members);
  const signed = new Map(
    signersOf(certificate).map((member, i) => [before[member]!, certificate.signatures[i]!]),
  );
  const bitmap = new Uint8Array(certificate.bitmap.length);
  const signatures = after.flatMap((seat, member) => {
    const signature = signed.get(seat);
    if (signature === undefined) return [];
    bitmap[member >> 3]! |= 1 << (member & 7);
    return [signature];
  });
  return { ...step, parentSeed, certificate: { ...certificate, bitmap, signatures } };
}

it.each([5, 6, 7])(
  'a base is proved with the seed before it, also of the empty block (height %i)',
  (height) => {
    const proved = proveBase(chain, head, encodeStep(stepOf(test, height)));
    expect(proved).toMatchObject({ ok: true });
    if (!proved.ok) return;
    expect(bytesToHex(proved.base.hash)).toBe(bytesToHex(test.blocks[height - 1]!.hash));
    expect(bytesToHex(proved.base.parentSeed)).toBe(bytesToHex(test.blocks[height - 2]!.tip.seed));
    expect(proved.base.header.height).toBe(height);
  },
);

it.each([5, 6])(
  'a seed that puts the same members in another order serves a light client and no base (height %i)',
  (height) => {
    const step = stepOf(test, height);
    const forged = encodeStep(reordered(step, head, sha256(utf8ToBytes('another seed'))));
    expect(follow(chain, head, forged)).toMatchObject({ ok: true });
    expect(proveBase(chain, head, forged)).toMatchObject({ ok: false, reason: 'wrong-seed' });
  },
);

it('what a light client refuses is refused here with the same reason', () => {
  const step = stepOf(test, 5);
  const raw = encodeStep({ ...step, certificate: { ...step.certificate, signatures: [] } });
  expect(proveBase(chain, head, raw)).toEqual(follow(chain, head, raw));
  expect(proveBase(chain, head, raw)).toMatchObject({ ok: false });
});
