import { type DataSchema, encodedWidth, type Place, placesOf } from '../../index.js';

/** Encoded values of numbers beyond ± this are told as this: with public centres and scales, 1 is a common deviation. */
const REACH = 3;

/**
 * Rows as a DCGAN takes them: in [-1, 1], where a tanh ends. A number is what it is over REACH; of what is 0 or 1, a
 * category or an indicator, 0 becomes -1.
 *
 * Shape: [rows][width] to [rows][length], length the next multiple of `factor`; filled up with zeros.
 */
export interface Signal {
  readonly width: number;
  readonly length: number;
  toSignal(x: Float32Array): Float32Array;
  /** Back; what is filling is dropped. The result need not keep the schema yet. */
  fromSignal(signal: Float32Array): Float32Array;
}

export function signalOf(schema: DataSchema, factor: number): Signal {
  const width = encodedWidth(schema);
  const length = Math.ceil(width / factor) * factor;
  const isNumber = numberColumns(placesOf(schema), width);
  return {
    width,
    length,
    toSignal: (x) =>
      copied(x, width, length, (value, at) =>
        isNumber[at] === 1 ? Math.max(-1, Math.min(1, value / REACH)) : 2 * value - 1,
      ),
    fromSignal: (signal) =>
      copied(signal, length, width, (value, at) => (isNumber[at] === 1 ? value * REACH : (value + 1) / 2)),
  };
}

function numberColumns(places: readonly Place[], width: number): Uint8Array {
  const isNumber = new Uint8Array(width);
  for (const { kind, at } of places) if (kind === 'number') isNumber[at] = 1;
  return isNumber;
}

function copied(
  values: Float32Array,
  from: number,
  to: number,
  mapped: (value: number, at: number) => number,
): Float32Array {
  const rows = values.length / from;
  const out = new Float32Array(rows * to);
  for (let row = 0; row < rows; row++)
    for (let at = 0; at < Math.min(from, to); at++) out[row * to + at] = mapped(values[row * from + at]!, at);
  return out;
}
