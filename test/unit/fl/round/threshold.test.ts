import { describe, expect, it } from 'vitest';
import { bytesToHex, drbg, sha256, utf8ToBytes } from '../../../../crypto/index.js';
import {
  addNoise,
  closeRound,
  createGrid,
  decodeWeights,
  encodeUpdate,
  encodeWeights,
  type ModelSpec,
  oneStep,
  roundGrid,
  roundToFine,
  startClipping,
  toWire,
} from '../../../../fl/index.js';
import { plainRound, plainServer } from '../../../support/fl.js';

/** The seed paper's own setting: logistic regression of 9 parameters, σ = 4, 20 devices, each clipped as a whole. */
const model: ModelSpec = { inputs: 8, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] };
const [DIMENSION, SIGMA16, DEVICES, ROUNDS] = [9, 4 * 65_536, 20, 50];
const LENGTH = 1;
const choice = { rule: 'adaptive', clipMin16: 64, rate16: 6_554, aim16: 65_536, countSigma16: 0 } as const;

type Next = (outcome: ReturnType<typeof closeRound>, moved: number, clip16: number) => number;

/** A task's rounds through closeRound; devices' own updates are of length 1 throughout. Returns C of each round. */
function play(seed: string, first16: number, next: Next | null): number[] {
  const random = drbg(utf8ToBytes(seed));
  let weights = encodeWeights(new Float32Array(DIMENSION));
  let clipping = startClipping(choice, first16);
  const clips: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const { clip16 } = clipping;
    clips.push(clip16 / 65_536);
    const grid = createGrid({ dimension: DIMENSION, clip16, sigma16: SIGMA16 });
    const own = new Float64Array(DIMENSION).fill(Math.min(LENGTH, clip16 / 65_536) / Math.sqrt(DIMENSION));
    const updates = Array.from({ length: DEVICES }, (_, device) => {
      const payload = encodeUpdate(toWire(addNoise(roundToFine(own, grid), grid, random), grid), grid);
      return { device: `d${10 + device}`, units: 1, hash: bytesToHex(sha256(payload)), payload };
    });
    const outcome = closeRound({
      ...plainRound,
      round,
      model,
      grid,
      weights,
      updates,
      accumulator: null,
      verification: 'none',
      aggregation: 'mean',
      faulty: 0,
      blacklisted: 0,
      server: plainServer(65_536),
      clipping: { choice, clip16: first16, before: clipping },
    });
    expect(outcome.verdicts.every(({ reason }) => reason !== 'norm')).toBe(true);
    const [before, after] = [weights, outcome.weights].map((bytes) => decodeWeights(bytes, DIMENSION)!);
    const moved = Math.hypot(...after!.map((weight, index) => weight - before![index]!));
    clipping =
      next === null
        ? outcome.clipping!
        : { clip16: Math.min(2 ** 31 - 1, next(outcome, moved, clip16)), memory: 0n };
    weights = outcome.weights;
  }
  return clips;
}

describe('the threshold of a task’s rounds', () => {
  it.each(['a', 'b'])(
    'runs away under the paper’s equations 5 and 6, and not under ours (seed %s)',
    (seed) => {
      // As printed: E ← 0.9 E + 0.1 ‖ḡ‖², C = √E, with the noise in ḡ counted as if it were signal.
      let energy = LENGTH;
      const paper = play(`threshold/${seed}`, 65_536, (_, moved) => {
        energy = 0.9 * energy + 0.1 * moved * moved;
        return Math.round(Math.sqrt(energy) * 65_536);
      });
      // dσ²/K = 7.2 times C² of noise in ‖ḡ‖²: C grows by a quarter a round.
      expect(paper[30]!).toBeGreaterThan(30);
      expect(paper.at(-1)!).toBeGreaterThan(1_000);
      // Ours, from a threshold thirty times too large, comes down to the updates and stays there.
      const ours = play(`threshold/${seed}`, 30 * 65_536, null);
      expect(ours[0]).toBe(30);
      expect(Math.max(...ours.slice(35))).toBeLessThan(10);
    },
  );

  it('counts the steps of a round: the threshold is that of one gradient', () => {
    const wire = (grid: ReturnType<typeof createGrid>, length: number) => {
      const sum = new Float64Array(DIMENSION);
      sum[0] = length;
      return encodeUpdate(toWire(roundToFine(sum, grid), grid), grid);
    };
    const clipAfter = (steps: number) => {
      const local = { ...oneStep, step: steps === 1 ? 'fedsgd' : 'fedavg', steps } as const;
      const grid = roundGrid({ dimension: DIMENSION, clip16: 65_536, sigma16: 0 }, local);
      const updates = ['a', 'b', 'c'].map((device) => {
        return { device, units: 2, hash: device, payload: wire(grid, 0.25 * 2 * steps) };
      });
      const { clipping } = closeRound({
        ...plainRound,
        round: 1,
        model,
        grid,
        weights: encodeWeights(new Float32Array(DIMENSION)),
        updates,
        accumulator: null,
        verification: 'none',
        aggregation: 'mean',
        faulty: 0,
        blacklisted: 0,
        local,
        server: plainServer(65_536),
        clipping: {
          choice: { ...choice, rate16: 65_536 },
          clip16: 65_536,
          before: startClipping(choice, 65_536),
        },
      });
      return clipping!.clip16 / 65_536;
    };
    expect(clipAfter(1)).toBeCloseTo(0.25, 3);
    expect(clipAfter(5)).toBeCloseTo(0.25, 3);
  });
});
