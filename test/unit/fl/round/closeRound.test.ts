import { describe, expect, it } from 'vitest';
import { bytesToHex, drbg, sha256, utf8ToBytes } from '../../../../crypto/index.js';
import {
  closeRound,
  createGrid,
  decodeOptimizer,
  decodeWeights,
  encodeOptimizer,
  encodeUpdate,
  encodeWeights,
  type ModelSpec,
  oneStep,
  RATE_ALL,
  type RoundInput,
  type SubmittedUpdate,
} from '../../../../fl/index.js';
import { plainRound, plainServer } from '../../../support/fl.js';

const model: ModelSpec = { inputs: 1, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] };
const grid = createGrid({ dimension: 2, clip16: 65_536, sigma16: 0 });

const submit = (device: string, wire: readonly number[], units = 1, on = grid): SubmittedUpdate => ({
  device,
  units,
  hash: `h${device}`,
  payload: encodeUpdate(Int32Array.from(wire), on),
});

const round = (updates: readonly SubmittedUpdate[], changes: Partial<RoundInput> = {}): RoundInput => ({
  round: 1,
  model,
  grid,
  weights: encodeWeights(Float32Array.of(1, -1)),
  updates,
  accumulator: null,
  verification: 'alignment',
  aggregation: 'mean',
  faulty: 1,
  blacklisted: 0,
  ...plainRound,
  server: plainServer(65_536),
  ...changes,
});

const five = [
  submit('a', [0, 0]),
  submit('b', [512, 0]),
  submit('c', [256, 0]),
  submit('d', [256, 128]),
  submit('e', [-1000, 0]),
];

describe('closeRound', () => {
  it('makes the next model of what qualified', () => {
    // Multi-Krum refuses e; the mean of the rest is (1024, 128)/4 steps of 2⁻¹⁰.
    const { verdicts, weights, accumulator } = closeRound(round(five, { verification: 'multi-krum' }));
    expect(verdicts.map(({ qualified }) => qualified)).toEqual([true, true, true, true, false]);
    expect(decodeWeights(weights, 2)).toEqual(Float32Array.of(1 - 1 / 4, -1 - 1 / 32));
    expect(accumulator).toBeNull();
  });

  it('uses the named rules, the rate and the units of the round', () => {
    const all = closeRound(
      round(five, { verification: 'none', aggregation: 'median', server: plainServer(131_072) }),
    );
    expect(decodeWeights(all.weights, 2)).toEqual(Float32Array.of(1 - 2 / 4, -1));
    const units = closeRound(
      round([submit('a', [1024, 0], 3), submit('b', [0, 1024])], { verification: 'none' }),
    );
    expect(decodeWeights(units.weights, 2)).toEqual(Float32Array.of(1 - 1 / 4, -1 - 1 / 4));
    const sparing = closeRound(round(five, { verification: 'multi-krum', blacklisted: 1 }));
    expect(sparing.verdicts.every(({ qualified }) => qualified)).toBe(true);
  });

  it.each(['alignment', 'multi-krum', 'none'] as const)(
    '%s gives the same bytes for every order',
    (verification) => {
      const forward = closeRound(round(five, { verification }));
      for (const order of [
        [4, 3, 2, 1, 0],
        [2, 0, 4, 1, 3],
      ]) {
        const shuffled = closeRound(
          round(
            order.map((index) => five[index]!),
            { verification },
          ),
        );
        expect(shuffled).toEqual(forward);
      }
      expect(forward.verdicts.map(({ device }) => device)).toEqual(['a', 'b', 'c', 'd', 'e']);
    },
  );

  it('carries the accumulator from round to round', () => {
    let input = round(five);
    const seen = [];
    for (let number = 1; number <= 5; number++) {
      const outcome = closeRound({ ...input, round: number });
      seen.push(outcome.verdicts[4]!.reason);
      input = round(five, { accumulator: outcome.accumulator, weights: outcome.weights });
    }
    expect(seen).toEqual([null, null, null, 'opposes', 'opposes']);
    expect(() => closeRound({ ...input, round: 5 })).toThrow(/judged once/);
  });

  it('gives these very bytes, on every engine', () => {
    // Recorded from the first version; a change here is a change of consensus.
    const random = drbg(utf8ToBytes('closeRound'));
    const noisy = createGrid({ dimension: 2, clip16: 65_536, sigma16: 40_000 });
    const digests: string[] = [];
    for (const aggregation of ['mean', 'median', 'trimmed-mean'] as const) {
      let input = round([], { grid: noisy, aggregation, server: plainServer(12_345) });
      for (let number = 1; number <= 12; number++) {
        const updates = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((device, index) => {
          const [x, y] = random(2);
          return submit(device, [x! * (index > 4 ? -1 : 1), y! - 128], 27 + index, noisy);
        });
        const { weights, accumulator } = closeRound({ ...input, round: number, updates });
        input = { ...input, weights, accumulator };
      }
      digests.push(bytesToHex(sha256(input.weights, input.accumulator!)).slice(0, 16));
    }
    expect(digests).toEqual(['8046b9a377a554fd', '68272d14e6fecda2', 'e15e6e5dad981aba']);
  });

  it('carries the optimizer state from round to round, and leaves it where nothing qualifies', () => {
    const server = { ...plainServer(65_536), step: 'fedavgm', momentum16: 32_768 } as const;
    const first = closeRound(round(five, { verification: 'none', server }));
    const [x, y] = decodeOptimizer(first.optimizer!, 2).moments[0]!;
    const second = closeRound(
      round(five, { verification: 'none', server, round: 2, optimizer: first.optimizer }),
    );
    const mean = [24 / 5 / 1024, 128 / 5 / 1024];
    expect([x, y]).toEqual(mean.map(Math.fround));
    expect([...decodeOptimizer(second.optimizer!, 2).moments[0]!]).toEqual([
      Math.fround(0.5 * x! + mean[0]!),
      Math.fround(0.5 * y! + mean[1]!),
    ]);
    const none = closeRound(round([], { server, round: 2, optimizer: first.optimizer }));
    expect(none.optimizer).toEqual(first.optimizer);
  });

  it('leaves model and optimizer as they were in a round in which a search lowers C, and takes the step otherwise', () => {
    const counted = createGrid({ dimension: 2, clip16: 65_536, sigma16: 0, countSigma16: 0 });
    const choice = {
      rule: 'search',
      clipMin16: 1,
      rate16: 32_768,
      aim16: 26_214,
      countSigma16: 0,
    } as const;
    const server = { ...plainServer(65_536), step: 'fedavgm', momentum16: 32_768 } as const;
    const close = (count: number, change: Partial<RoundInput['clipping']> = {}) => {
      const updates = ['a', 'b', 'c'].map((device) => {
        const payload = encodeUpdate(Int32Array.of(512, 0), counted, count);
        return { device, units: 10, hash: device, payload };
      });
      const before = { clip16: 65_536, memory: 0n };
      const clipping = { choice, clip16: 65_536, before, ...change };
      return closeRound(round(updates, { grid: counted, verification: 'none', server, clipping }));
    };
    const untouched = encodeWeights(Float32Array.of(1, -1));
    const searched = close(10);
    expect(searched).toMatchObject({ weights: untouched, optimizer: null, clipping: { clip16: 32_768 } });
    expect(searched.verdicts.every(({ qualified }) => qualified)).toBe(true);
    const found = close(-10);
    expect(found.clipping).toEqual({ clip16: 65_536, memory: 1n });
    expect(found.weights).not.toEqual(untouched);
    expect(found.optimizer).not.toBeNull();
    expect(close(10, { before: found.clipping! }).weights).toEqual(found.weights);
    const followed = close(10, { choice: { ...choice, rule: 'quantile' } });
    expect(followed.clipping!.clip16).toBeLessThan(65_536);
    expect(followed.weights).toEqual(found.weights);
  });

  it('takes a count of units that were drawn for one of as many as are drawn on average', () => {
    const counted = createGrid({ dimension: 2, clip16: 65_536, sigma16: 0, countSigma16: 0 });
    const rule = { rule: 'search', clipMin16: 1, rate16: 32_768, aim16: 26_214, countSigma16: 0 } as const;
    const before = { clip16: 65_536, memory: 0n };
    const clipping = { choice: rule, clip16: 65_536, before };
    const updates = ['a', 'b', 'c'].map((device) => {
      const payload = encodeUpdate(Int32Array.of(512, 0), counted, -1);
      return { device, units: 10, hash: device, payload };
    });
    const close = (local: RoundInput['local']) =>
      closeRound(round(updates, { grid: counted, verification: 'none', clipping, local })).clipping;
    // Of 30 units 13.5 were whole, which is more than 0.4; of 8 units 2.5.
    expect(close(oneStep)).toMatchObject({ clip16: 32_768 });
    expect(close({ ...oneStep, rate32: RATE_ALL / 4 })).toEqual({ clip16: 65_536, memory: 1n });
  });

  it('keeps the last aggregate for the rules that start from it', () => {
    const kept = (changes: Partial<RoundInput>) => {
      const { optimizer } = closeRound(round(five, { verification: 'none', ...changes }));
      return optimizer === null ? null : decodeOptimizer(optimizer, 2).direction;
    };
    expect(kept({})).toBeNull();
    expect(kept({ aggregation: 'centred-clipping' })).not.toBeNull();
    const local = { ...oneStep, step: 'scaffold', steps: 2, learningRate16: 32_768 } as const;
    expect([...kept({ local })!]).toEqual([24 / 5 / 1024, 128 / 5 / 1024].map(Math.fround));
    // What the server goes against is the distance that the devices went: the rate times the gradients.
    const { weights } = closeRound(round(five, { verification: 'none', local }));
    expect(decodeWeights(weights, 2)).toEqual(Float32Array.of(1 - 12 / 5 / 1024, -1 - 64 / 5 / 1024));
    const again = round(five, {
      verification: 'none',
      aggregation: 'centred-clipping',
      optimizer: encodeOptimizer({ direction: Float32Array.of(1, 1), moments: [] }),
    });
    expect(closeRound(again).weights).not.toEqual(closeRound({ ...again, optimizer: null }).weights);
  });

  it('uses the front', () => {
    const mixed = closeRound(
      round(five, { verification: 'none', front: 'nearest-neighbour-mixing', aggregation: 'median' }),
    );
    const plain = closeRound(round(five, { verification: 'none', aggregation: 'median' }));
    expect(mixed.weights).not.toEqual(plain.weights);
  });

  it('keeps the weights if nothing qualifies', () => {
    const tooLong = [submit('a', [5000, 0]), submit('b', [0, 5000])];
    const { verdicts, weights } = closeRound(round(tooLong));
    expect(verdicts.map(({ reason }) => reason)).toEqual(['norm', 'norm']);
    expect(weights).toEqual(encodeWeights(Float32Array.of(1, -1)));
    expect(closeRound(round([])).weights).toEqual(weights);
  });

  it('asserts on what admission should have refused', () => {
    const cut = { ...five[0]!, payload: five[0]!.payload.subarray(1) };
    expect(() => closeRound(round([cut]))).toThrow(/can be unpacked/);
    expect(() => closeRound(round([five[0]!, five[0]!]))).toThrow(/one each/);
    expect(() => closeRound(round(five, { weights: new Uint8Array(7) }))).toThrow(/fits the task/);
    const large = createGrid({ dimension: 3, clip16: 65_536, sigma16: 0 });
    expect(() => closeRound(round(five, { grid: large }))).toThrow(/grid fits the model/);
  });
});
