import { type DropoutLayer, sizeOf } from '../../index.js';
import { allSlopes, type TrainLayer } from './rule.js';

const SIXTEEN_BITS = 65_536;

export const dropout: TrainLayer<DropoutLayer> = {
  floats: (_, input) => sizeOf(input),
  run: ({ layer: { rate16 }, x, random }) => {
    if (random === null || rate16 === 0) return { out: x, backward: (d) => ({ part: null, dx: d }) };
    const kept = SIXTEEN_BITS / (SIXTEEN_BITS - rate16);
    const drawn = random(2 * x.length);
    const mask = new Float32Array(x.length);
    for (let at = 0; at < mask.length; at++)
      mask[at] = drawn[2 * at]! * 256 + drawn[2 * at + 1]! < rate16 ? 0 : kept;
    const masked = (values: Float32Array) => values.map((value, at) => value * mask[at]!);
    return { out: masked(x), backward: (d) => ({ part: null, dx: masked(allSlopes(d)) }) };
  },
};
