import {
  type Code,
  call,
  type Func,
  get,
  i32,
  i32x4,
  i64,
  repeat,
  set,
  several,
  v128,
  when,
} from '../../wasm/index.js';
import {
  canonical,
  limbs,
  product,
  productOfQuads,
  QUAD_BYTES,
  squares,
  twiceP,
  VECTOR_BYTES,
} from './field.js';

/**
 * Sums of multiples of known points of edwards25519, from tables of their multiples.
 *
 * The *point* is the quad (X, Y, T, Z) of extended coordinates: x = X/Z, y = Y/Z, T = XY/Z. An entry of a table is
 * the quad (Y − X, Y + X, 2dT, 2Z). With these an addition is two products of quads, and right for any two points
 * of the curve: no special cases.
 *
 * Source: Hisil et al. 2008, sections 3.1 and 4.2.
 */
const SINGLE_BYTES = 48;
const single = (at: number): number => 4 * QUAD_BYTES + at * SINGLE_BYTES;
const spare = { left: QUAD_BYTES, right: 2 * QUAD_BYTES };
const [Z2, Z9, Z11, A, B, C] = [6, 7, 8, 9, 10, 11].map(single) as [
  number,
  number,
  number,
  number,
  number,
  number,
];

/** Where the memory holds what, in bytes. */
export const places = {
  point: 0,
  /** The quad (1, 1, 2d, 2), to be filled in by the host. */
  factors: 3 * QUAD_BYTES,
  x: single(0),
  y: single(1),
  z: single(2),
  inverse: single(3),
  /** A scalar's 32 bytes, and zeros behind them. */
  scalar: single(12),
  /** What `canonical` writes, 32 bytes. */
  encoded: single(13),
  tables: 4096,
} as const;

const NAMES = [
  'productOfQuads',
  'product',
  'squares',
  'canonical',
  'crossed',
  'swapped',
  'add',
  'subtract',
  'table',
  'combine',
  'invert',
] as const;
export type FuncName = (typeof NAMES)[number];
const func = (name: FuncName, ...args: Code[]): Code => call(NAMES.indexOf(name), ...args);
const place = (address: number): Code => i32.const(address);

/** −v + w in the lanes that are marked, v + w in the others; v reduced. */
function plusOrMinus(v: Code, w: Code, k: number, lanes: readonly number[]): Code {
  const inMarked = (value: number) =>
    v128.const(...[0, 1, 2, 3].map((lane) => (lanes.includes(lane) ? value : 0)));
  // −v is its complement plus one; 2p keeps the difference above zero.
  return i32x4.add(i32x4.add(w, v128.xor(v, inMarked(-1))), inMarked(twiceP[k]! + 1));
}

/** Into `left`: (Y − X, Y + X, T, Z) of the point, or, swapped, (Y + X, Y − X, T, Z). */
function crossed<Name extends 'crossed' | 'swapped'>(name: Name): Func<Name> {
  const limb = 0;
  const lane = (...lanes: number[]): Code => v128.shuffle(get(limb), v128.const(0, 0, 0, 0), ...lanes);
  const difference = name === 'crossed' ? 0 : 1;
  return {
    name,
    params: [],
    locals: ['v128'],
    body: limbs.map((k) => [
      set(limb, v128.load(place(0), places.point + VECTOR_BYTES * k)),
      v128.store(
        place(0),
        spare.left + VECTOR_BYTES * k,
        plusOrMinus(lane(0, 0, 4, 4), lane(1, 1, 2, 3), k, [difference]),
      ),
    ]),
  };
}

/**
 * `(entry)`: adds the entry's point to the point, or subtracts it. Of −P the first two of an entry trade places, and
 * 2dT changes its sign: so the point's two are swapped instead, and C counts negative.
 */
function addOrSubtract<Name extends 'add' | 'subtract'>(name: Name): Func<Name> {
  const [entry, limb] = [0, 1];
  const lane = (...lanes: number[]): Code => v128.shuffle(get(limb), get(limb), ...lanes);
  const isAdd = name === 'add';
  // (A, B, C, D) to (E, H, F, G) = (B − A, B + A, D − C, D + C); when subtracting, B, A and −C stand there.
  const sums = (k: number): Code =>
    isAdd
      ? plusOrMinus(lane(0, 0, 2, 2), lane(1, 1, 3, 3), k, [0, 2])
      : plusOrMinus(lane(1, 1, 2, 2), lane(0, 0, 3, 3), k, [0, 3]);
  return {
    name,
    params: ['i32'],
    locals: ['v128'],
    body: [
      func(isAdd ? 'crossed' : 'swapped'),
      func('productOfQuads', place(spare.left), place(spare.left), get(entry)),
      limbs.map((k) => [
        set(limb, v128.load(place(0), spare.left + VECTOR_BYTES * k)),
        set(limb, sums(k)),
        v128.store(place(0), spare.left + VECTOR_BYTES * k, lane(0, 3, 0, 2)),
        v128.store(place(0), spare.right + VECTOR_BYTES * k, lane(2, 1, 1, 3)),
      ]),
      // (E, G, E, F) times (F, H, H, G)
      func('productOfQuads', place(places.point), place(spare.left), place(spare.right)),
    ],
  };
}

/**
 * `(table, windows, entries)`: for each window the multiples 1 to `entries` of the point, which is multiplied by
 * twice `entries` from window to window.
 */
function table(): Func<'table'> {
  const [to, windows, entries, first, count] = [0, 1, 2, 3, 4];
  const keep = [func('crossed'), func('productOfQuads', get(to), place(spare.left), place(places.factors))];
  const next = set(to, i32.add(get(to), i32.const(QUAD_BYTES)));
  return {
    name: 'table',
    params: ['i32', 'i32', 'i32'],
    locals: ['i32', 'i32'],
    body: repeat(windows, [
      set(first, get(to)),
      set(count, i32.sub(get(entries), i32.const(1))),
      repeat(count, [keep, next, func('add', get(first))]),
      keep,
      func('add', get(to)),
      next,
    ]),
  };
}

/**
 * `(table, scalar, windows, bits)`: adds the scalar's multiple of the table's point. Each window of the scalar is a
 * digit from −2^(bits − 1) to 2^(bits − 1) − 1; what lies behind the scalar's 32 bytes must be zero.
 */
function combine(): Func<'combine'> {
  const [from, scalar, windows, bits, at, digit, carry] = [0, 1, 2, 3, 4, 5, 6];
  const entries = i32.shiftLeft(i32.const(1), i32.sub(get(bits), i32.const(1)));
  const entry = (count: Code): Code =>
    i32.add(get(from), i32.mul(i32.sub(count, i32.const(1)), i32.const(QUAD_BYTES)));
  const window = i32.and(
    i32.shiftRight(
      i32.load(i32.add(get(scalar), i32.shiftRight(get(at), i32.const(3)))),
      i32.and(get(at), i32.const(7)),
    ),
    i32.sub(i32.shiftLeft(i32.const(1), get(bits)), i32.const(1)),
  );
  return {
    name: 'combine',
    params: several(4, 'i32'),
    locals: several(3, 'i32'),
    body: repeat(windows, [
      set(digit, i32.add(window, get(carry))),
      set(carry, i32.isAtMost(entries, get(digit))),
      set(digit, i32.sub(get(digit), i32.shiftLeft(get(carry), get(bits)))),
      when(
        i32.isBelow(i32.const(0), get(digit)),
        func('add', entry(get(digit))),
        when(
          i32.isBelow(get(digit), i32.const(0)),
          func('subtract', entry(i32.sub(i32.const(0), get(digit)))),
        ),
      ),
      set(from, i32.add(get(from), i32.mul(entries, i32.const(QUAD_BYTES)))),
      set(at, i32.add(get(at), get(bits))),
    ]),
  };
}

/** The point's x and y. 1/z is, by Fermat, z^(p − 2), in the chain of 254 squares and 11 products of Bernstein's code. */
function invert(): Func<'invert'> {
  const { x, y, z, inverse } = places;
  const taken = (lane: number, to: number, k: number): Code =>
    i64.store32(place(0), to + 4 * k, i64.load32(place(0), places.point + VECTOR_BYTES * k + 4 * lane));
  const times = (out: number, a: number, b: number): Code => func('product', place(out), place(a), place(b));
  const square = (out: number, a: number, count: number): Code =>
    func('squares', place(out), place(a), i32.const(count));
  return {
    name: 'invert',
    params: [],
    locals: [],
    body: [
      limbs.map((k) => [taken(0, x, k), taken(1, y, k), taken(3, z, k)]),
      square(Z2, z, 1),
      square(A, Z2, 2),
      times(Z9, A, z),
      times(Z11, Z9, Z2),
      square(A, Z11, 1),
      times(A, A, Z9), // 2^5 − 1
      square(B, A, 5),
      times(A, B, A), // 2^10 − 1
      square(B, A, 10),
      times(B, B, A), // 2^20 − 1
      square(C, B, 20),
      times(B, C, B), // 2^40 − 1
      square(B, B, 10),
      times(A, B, A), // 2^50 − 1
      square(B, A, 50),
      times(B, B, A), // 2^100 − 1
      square(C, B, 100),
      times(B, C, B), // 2^200 − 1
      square(B, B, 50),
      times(A, B, A), // 2^250 − 1
      square(A, A, 5),
      times(inverse, A, Z11),
      times(x, x, inverse),
      times(y, y, inverse),
    ],
  };
}

/** In the order of their names, by which they call one another. */
export const functions: readonly Func<FuncName>[] = [
  productOfQuads(),
  product(),
  squares(),
  canonical(),
  crossed('crossed'),
  crossed('swapped'),
  addOrSubtract('add'),
  addOrSubtract('subtract'),
  table(),
  combine(),
  invert(),
];
