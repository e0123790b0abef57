import { describe, expect, it } from 'vitest';
import {
  encodeStateEntry,
  encodeTransactionProof,
  follow,
  lightStart,
  linkBack,
  provedState,
  proveEntry,
  proveTransaction,
  verifyTransactionProof,
} from '../../../../audit/light/index.js';
import { encodeHeader } from '../../../../chain/index.js';
import { ringCell } from '../../../../consensus/index.js';
import { createTestChain, declareCall } from '../../../support/chain.js';
import { flipped, lightHeadAt, quietChain, rawStart, rawStep, stepOf } from '../../../support/light.js';

/** The bits, every `stride`th, of a message whose change passes; the message itself must. */
function passing(raw: Uint8Array, accepts: (raw: Uint8Array) => boolean, stride = 1): number[] {
  expect(accepts(raw)).toBe(true);
  return Array.from({ length: Math.floor((raw.length * 8) / stride) }, (_, i) => i * stride).filter((bit) =>
    accepts(flipped(raw, bit)),
  );
}

const alone = quietChain(12, 100, 1);
const test = quietChain(12);

describe('with any one bit altered', () => {
  // Of four validators a seventh of the bits: each costs up to four signature checks.
  it.each([
    { validators: 1, of: alone, stride: 1 },
    { validators: 4, of: test, stride: 7 },
  ])(
    'a step is refused, but for the seed where all that it decides is an order: $validators',
    ({ of, stride }) => {
      const height = 7;
      const { chain, head } = lightHeadAt(of, height - 2);
      const raw = rawStep(of, height);
      const { parentSeed, nextRing } = stepOf(of, height);
      expect(nextRing).not.toBeNull();
      const led = follow(chain, head, raw);
      const accepts = (given: Uint8Array): boolean => {
        const result = follow(chain, head, given);
        // What it accepts all the same leads to the same place.
        if (result.ok) expect(result).toEqual(led);
        return result.ok;
      };
      const wrong = passing(raw, accepts, stride);
      const at = Buffer.from(raw).lastIndexOf(Buffer.from(parentSeed)) * 8;
      expect(wrong.filter((bit) => bit < at || bit >= at + 256)).toEqual([]);
    },
  );

  it('a block to begin at is refused', () => {
    const known = { height: 9, hash: test.blocks[8]!.hash };
    const { chain } = lightHeadAt(test, 1);
    expect(passing(rawStart(test, 9), (raw) => lightStart(chain, known, raw).ok)).toEqual([]);
  });

  it('a header on the way back is refused', () => {
    const { block } = lightHeadAt(test, 12).head;
    const raw = encodeHeader(test.blocks[10]!.block.header);
    expect(passing(raw, (given) => linkBack(block!, [given]).ok)).toEqual([]);
  });

  it('a transaction’s proof is refused', () => {
    const busy = createTestChain({ hospitals: 4, devicesEach: 1 });
    const made = busy.block(busy.devices.map((device) => declareCall(device)));
    const { block } = lightHeadAt(busy, 1).head;
    const raw = encodeTransactionProof(proveTransaction(made.block.transactions, made.executed.receipts, 2));
    // Which place among how many is not proved (verifyTransactionProof): some others fit the same path.
    const shown = verifyTransactionProof(block!, raw);
    const wrong = passing(raw, (given) => {
      const result = verifyTransactionProof(block!, given);
      if (result.ok) expect(result).toEqual(shown);
      return result.ok;
    });
    expect(wrong.length).toBeLessThan(16);
  });

  it.each([ringCell.key(0), 'nothing/here'])('the proof of a state entry is refused: %s', (key) => {
    const { block } = lightHeadAt(test, 12).head;
    const raw = encodeStateEntry(proveEntry(test.tip.state, key));
    expect(passing(raw, (given) => provedState(block!, [key], [given]).ok)).toEqual([]);
  });
});
