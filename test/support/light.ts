import {
  encodeStart,
  encodeStep,
  follow,
  type LightChain,
  type LightHead,
  type LightStep,
  lightChain,
} from '../../audit/light/index.js';
import { decodeCertificate, readState } from '../../chain/index.js';
import { eraOf, type RingSeat, ringAt, ringRoot } from '../../consensus/index.js';
import { equalBytes } from '../../crypto/index.js';
import { createTestChain, type TestChain } from './chain.js';
import { testGenesis } from './genesis.js';

/** The ring that draws the committee after a height, from the state at that height. */
export function ringAfter(test: TestChain, height: number): readonly RingSeat[] {
  const tip = height === 0 ? test.chain.tip : test.blocks[height - 1]!.tip;
  return ringAt(readState(tip.state), height + 1, test.chain.rules.eraHeights);
}

/** What an honest node shows a light client of a block. */
export function stepOf(test: TestChain, height: number): LightStep {
  const parent = height === 1 ? test.chain.tip : test.blocks[height - 2]!.tip;
  const ring = ringAfter(test, height);
  const changes = !equalBytes(ringRoot(ring), ringRoot(ringAfter(test, height - 1)));
  return {
    header: test.blocks[height - 1]!.block.header,
    certificate: decodeCertificate(test.entries[height - 1]!.certificate),
    parentSeed: parent.seed,
    nextRing: changes ? ring : null,
  };
}

export const rawStep = (test: TestChain, height: number): Uint8Array => encodeStep(stepOf(test, height));

export const rawStart = (test: TestChain, height: number): Uint8Array =>
  encodeStart({ header: test.blocks[height - 1]!.block.header, ring: ringAfter(test, height) });

/** Heights of an era in `quietChain`. */
export const LIGHT_ERA = 4;

/** A chain with an empty block at 6, and otherwise blocks without transactions. Points, and so rings, change by era. */
export function quietChain(height: number, members = 100, hospitals = 4): TestChain {
  const { params } = testGenesis(1, 0).genesis;
  const test = createTestChain({ hospitals, params: { ...params, eraHeights: LIGHT_ERA, members } });
  while (test.tip.height < height) {
    if (test.tip.height + 1 === 6) test.empty();
    else test.block([]);
  }
  return test;
}

/** The client at a height, by one step an era: for chains whose committee is the whole ring. */
export function lightHeadAt(test: TestChain, height: number): { chain: LightChain; head: LightHead } {
  const start = lightChain(test.genesis);
  const { eraHeights } = start.chain;
  let { head } = start;
  while (head.height < height) {
    const endOfEra = (eraOf(head.height + 1, eraHeights) + 1) * eraHeights - 1;
    const followed = follow(start.chain, head, rawStep(test, Math.min(endOfEra, height)));
    if (!followed.ok) throw new Error(`${followed.reason}: ${followed.detail}`);
    head = followed.head;
  }
  return { chain: start.chain, head };
}

/** The bytes with one bit turned. */
export function flipped(raw: Uint8Array, bit: number): Uint8Array {
  const altered = new Uint8Array(raw);
  altered[bit >> 3]! ^= 1 << (bit & 7);
  return altered;
}
