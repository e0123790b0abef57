import {
  type Code,
  doWhile,
  type Func,
  f32x4,
  f64x2,
  get,
  i32,
  repeat,
  set,
  several,
  v128,
  when,
} from '../../../wasm/index.js';

const VECTOR_BYTES = 16;
/** Vectors that are summed side by side: sums stay in registers, and none waits for another. */
const WIDE = 8;

/*
 * Both kernels: weighted sums of rows that lie anywhere, of which there are `count` (at least one) terms.
 *
 *   for run < runs, at < length:  to[run·toStride + at] = Σ_i values[i] · from[offsets[i] + run·fromStride + at]
 *
 * All in bytes but `count`, `runs` and the values; length a multiple of 16. offsets: u32 of one byte distance each.
 */
const [COUNT, OFFSETS, VALUES, FROM, FROM_STRIDE, TO, TO_STRIDE, RUNS, LENGTH] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const PARAMETERS = 9;
const [END, AT, OFFSET, VALUE, SOURCE, TARGET] = [9, 10, 11, 12, 13, 14];
const INTEGERS = 6;
const FACTOR = PARAMETERS + INTEGERS;
const SUMS = FACTOR + 1;

/** On top of what is there, in float32: what a convolution's backward pass is made of. */
export const combineFloats: Func<'combineFloats'> = {
  name: 'combineFloats',
  params: several(PARAMETERS, 'i32'),
  locals: [...several(INTEGERS, 'i32'), ...several(1 + WIDE, 'v128')],
  body: overRuns((sums) => ({
    valueBytes: 4,
    factor: f32x4.loadSplat(get(VALUE)),
    begin: (sum) => v128.load(get(TARGET), VECTOR_BYTES * sum),
    next: (sum) =>
      f32x4.add(get(SUMS + sum), f32x4.mul(v128.load(get(SOURCE), VECTOR_BYTES * sum), get(FACTOR))),
    sums,
  })),
};

/** In place of what is there, in float64, each product cut toward zero to a whole number: exact sums of those. */
export const combineWholes: Func<'combineWholes'> = {
  name: 'combineWholes',
  params: several(PARAMETERS, 'i32'),
  locals: [...several(INTEGERS, 'i32'), ...several(1 + WIDE, 'v128')],
  body: overRuns((sums) => ({
    valueBytes: 8,
    factor: f64x2.loadSplat(get(VALUE)),
    begin: () => v128.const(0, 0, 0, 0),
    next: (sum) =>
      f64x2.add(
        get(SUMS + sum),
        f64x2.truncate(f64x2.mul(v128.load(get(SOURCE), VECTOR_BYTES * sum), get(FACTOR))),
      ),
    sums,
  })),
};

interface Block {
  readonly valueBytes: number;
  readonly factor: Code;
  readonly begin: (sum: number) => Code;
  readonly next: (sum: number) => Code;
  readonly sums: number;
}

function overRuns(blockOf: (sums: number) => Block): Code {
  return [
    set(END, i32.add(get(OFFSETS), times4(get(COUNT)))),
    repeat(RUNS, [
      set(AT, i32.const(0)),
      [WIDE, WIDE / 2, 2, 1].map((sums) => overBlocks(blockOf(sums))),
      set(FROM, i32.add(get(FROM), get(FROM_STRIDE))),
      set(TO, i32.add(get(TO), get(TO_STRIDE))),
    ]),
  ];
}

/** As many whole blocks as there are left of a run. */
function overBlocks(block: Block): Code {
  const bytes = VECTOR_BYTES * block.sums;
  const fits = i32.isAtMostUnsigned(i32.add(get(AT), i32.const(bytes)), get(LENGTH));
  return when(fits, doWhile([oneBlock(block), set(AT, i32.add(get(AT), i32.const(bytes)))], fits));
}

function oneBlock({ valueBytes, factor, begin, next, sums }: Block): Code {
  const each = (code: (sum: number) => Code): Code => Array.from({ length: sums }, (_, sum) => code(sum));
  return [
    set(TARGET, i32.add(get(TO), get(AT))),
    each((sum) => set(SUMS + sum, begin(sum))),
    set(OFFSET, get(OFFSETS)),
    set(VALUE, get(VALUES)),
    doWhile(
      [
        set(SOURCE, i32.add(i32.add(get(FROM), get(AT)), i32.load(get(OFFSET)))),
        set(FACTOR, factor),
        each((sum) => set(SUMS + sum, next(sum))),
        set(VALUE, i32.add(get(VALUE), i32.const(valueBytes))),
        set(OFFSET, i32.add(get(OFFSET), i32.const(4))),
      ],
      i32.isBelowUnsigned(get(OFFSET), get(END)),
    ),
    each((sum) => v128.store(get(TARGET), VECTOR_BYTES * sum, get(SUMS + sum))),
  ];
}

function times4(value: Code): Code {
  return i32.shiftLeft(value, i32.const(2));
}
