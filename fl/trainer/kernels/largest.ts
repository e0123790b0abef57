import {
  type Code,
  doWhile,
  type Func,
  f32x4,
  get,
  i32,
  i32x4,
  repeat,
  set,
  several,
  v128,
} from '../../../wasm/index.js';

const VECTOR_BYTES = 16;

/*
 * Of an image [lines·size][columns·size][channels] the largest of each size × size square, channel by channel, and which
 * float of the image that is: the first of equals, or the last that is no number.
 *
 * pixel, line: bytes of one of the image. Four channels at a time: what is computed beyond the last channel is written over
 * by the next square's, so behind both results and the image there are three floats that don't matter.
 */
const [FROM, VALUES, PLACES, LINES, COLUMNS, SIZE, PIXEL, LINE] = [0, 1, 2, 3, 4, 5, 6, 7];
const PARAMETERS = 8;
const [COLUMN, CHANNEL, DOWN, RIGHT, SQUARE, AT, ROW, START] = [8, 9, 10, 11, 12, 13, 14, 15];
const INTEGERS = 8;
const [BEST, PLACE, VALUE, WINS] = [16, 17, 18, 19];

const advance = (local: number, by: Code): Code => set(local, i32.add(get(local), by));

const onePixel = [
  set(VALUE, v128.load(get(AT))),
  set(WINS, v128.or(f32x4.isAbove(get(VALUE), get(BEST)), f32x4.differs(get(VALUE), get(VALUE)))),
  set(BEST, v128.select(get(VALUE), get(BEST), get(WINS))),
  set(PLACE, v128.select(i32x4.splat(i32.sub(get(AT), get(START))), get(PLACE), get(WINS))),
  advance(AT, get(PIXEL)),
];

const fourChannels = [
  set(SQUARE, i32.add(get(FROM), get(CHANNEL))),
  set(BEST, v128.load(get(SQUARE))),
  set(PLACE, i32x4.splat(i32.sub(get(SQUARE), get(START)))),
  set(ROW, get(SQUARE)),
  set(DOWN, get(SIZE)),
  repeat(DOWN, [set(AT, get(ROW)), set(RIGHT, get(SIZE)), repeat(RIGHT, onePixel), advance(ROW, get(LINE))]),
  v128.store(i32.add(get(VALUES), get(CHANNEL)), 0, get(BEST)),
  v128.store(
    i32.add(get(PLACES), get(CHANNEL)),
    0,
    i32x4.add(i32x4.shiftRight(get(PLACE), i32.const(2)), v128.const(0, 1, 2, 3)),
  ),
];

export const largest: Func<'largest'> = {
  name: 'largest',
  params: several(PARAMETERS, 'i32'),
  locals: [...several(INTEGERS, 'i32'), ...several(4, 'v128')],
  body: [
    set(START, get(FROM)),
    repeat(LINES, [
      set(COLUMN, get(COLUMNS)),
      repeat(COLUMN, [
        set(CHANNEL, i32.const(0)),
        doWhile(
          [fourChannels, advance(CHANNEL, i32.const(VECTOR_BYTES))],
          i32.isBelow(get(CHANNEL), get(PIXEL)),
        ),
        advance(VALUES, get(PIXEL)),
        advance(PLACES, get(PIXEL)),
        advance(FROM, i32.mul(get(PIXEL), get(SIZE))),
      ]),
      advance(FROM, i32.mul(get(LINE), i32.sub(get(SIZE), i32.const(1)))),
    ]),
  ],
};
