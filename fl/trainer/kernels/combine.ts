import {
  add,
  addDoubles,
  addFloats,
  type Code,
  constant,
  doWhile,
  get,
  isAtMost,
  isBelow,
  type KernelSource,
  load,
  loadVector,
  multiplyDoubles,
  multiplyFloats,
  set,
  splatDouble,
  splatFloat,
  storeVector,
  subtract,
  truncateDoubles,
  when,
  zeroVector,
} from './assemble.js';

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
export const combineFloats: KernelSource = {
  name: 'combineFloats',
  parameters: PARAMETERS,
  integers: INTEGERS,
  vectors: 1 + WIDE,
  body: overRuns((sums) => ({
    valueBytes: 4,
    factor: splatFloat(get(VALUE)),
    begin: (sum) => loadVector(get(TARGET), VECTOR_BYTES * sum),
    next: (sum) =>
      addFloats(get(SUMS + sum), multiplyFloats(loadVector(get(SOURCE), VECTOR_BYTES * sum), get(FACTOR))),
    sums,
  })),
};

/** In place of what is there, in float64, each product cut toward zero to a whole number: exact sums of those. */
export const combineWholes: KernelSource = {
  name: 'combineWholes',
  parameters: PARAMETERS,
  integers: INTEGERS,
  vectors: 1 + WIDE,
  body: overRuns((sums) => ({
    valueBytes: 8,
    factor: splatDouble(get(VALUE)),
    begin: () => zeroVector,
    next: (sum) =>
      addDoubles(
        get(SUMS + sum),
        truncateDoubles(multiplyDoubles(loadVector(get(SOURCE), VECTOR_BYTES * sum), get(FACTOR))),
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
    set(END, add(get(OFFSETS), times4(get(COUNT)))),
    doWhile(
      [
        set(AT, constant(0)),
        [WIDE, WIDE / 2, 2, 1].map((sums) => overBlocks(blockOf(sums))),
        set(FROM, add(get(FROM), get(FROM_STRIDE))),
        set(TO, add(get(TO), get(TO_STRIDE))),
        set(RUNS, subtract(get(RUNS), constant(1))),
      ],
      get(RUNS),
    ),
  ];
}

/** As many whole blocks as there are left of a run. */
function overBlocks(block: Block): Code {
  const bytes = VECTOR_BYTES * block.sums;
  const fits = isAtMost(add(get(AT), constant(bytes)), get(LENGTH));
  return when(fits, doWhile([oneBlock(block), set(AT, add(get(AT), constant(bytes)))], fits));
}

function oneBlock({ valueBytes, factor, begin, next, sums }: Block): Code {
  const each = (code: (sum: number) => Code): Code => Array.from({ length: sums }, (_, sum) => code(sum));
  return [
    set(TARGET, add(get(TO), get(AT))),
    each((sum) => set(SUMS + sum, begin(sum))),
    set(OFFSET, get(OFFSETS)),
    set(VALUE, get(VALUES)),
    doWhile(
      [
        set(SOURCE, add(add(get(FROM), get(AT)), load(get(OFFSET)))),
        set(FACTOR, factor),
        each((sum) => set(SUMS + sum, next(sum))),
        set(VALUE, add(get(VALUE), constant(valueBytes))),
        set(OFFSET, add(get(OFFSET), constant(4))),
      ],
      isBelow(get(OFFSET), get(END)),
    ),
    each((sum) => storeVector(get(TARGET), VECTOR_BYTES * sum, get(SUMS + sum))),
  ];
}

function times4(value: Code): Code {
  return [value, constant(2), 0x74];
}
