import {
  type Code,
  type Func,
  get,
  i32,
  i32x4,
  i64,
  i64x2,
  repeat,
  set,
  several,
  v128,
} from '../../wasm/index.js';

/**
 * Numbers modulo p = 2^255 − 19 as ten limbs of 26 and 25 bits in turn, limb k at 2^⌈25.5 k⌉.
 *
 * A *quad* is four such numbers side by side: limb k of all four in one vector of four lanes, 16 bytes; 160 bytes in
 * all, aligned. *Reduced*: limbs exceed 26 and 25 bits by less than a hundredth. A product takes limbs of up to
 * 1.75 bits more: sums and differences of two reduced numbers. A *single* is one such number, a limb in 4 bytes.
 *
 * Source: H. Hisil, K. K. Wong, G. Carter, E. Dawson 2008, "Twisted Edwards Curves Revisited" (four products at a
 * time); the limbs of D. J. Bernstein 2006, "Curve25519"; their bounds side by side as in curve25519-dalek's notes on
 * its vector backend.
 */
export const LIMBS = 10;
export const VECTOR_BYTES = 16;
export const QUAD_BYTES = LIMBS * VECTOR_BYTES;

export const limbs = Array.from({ length: LIMBS }, (_, k) => k);
export const bitsOf = (k: number): number => (k % 2 === 0 ? 26 : 25);
/** 2p in limbs that exceed every reduced limb: what is added before a subtraction. */
export const twiceP = limbs.map((k) => 2 * (2 ** bitsOf(k) - (k === 0 ? 19 : 1)));

/** Limb k of a product: which limbs are multiplied, and whether their product counts 2 or 19 times. */
const terms = limbs.map((k) =>
  limbs.map((i) => {
    const j = (k - i + LIMBS) % LIMBS;
    return { i, j, isTwice: i % 2 === 1 && j % 2 === 1, isWrapped: i + j !== k };
  }),
);

/** `(out, a, b)`: the four products of two quads, reduced. `a` and `b` may be `out`. */
export function productOfQuads(): Func<'productOfQuads'> {
  const [out, a, b] = [0, 1, 2];
  const x = limbs.map((k) => 3 + k);
  const twice = limbs.map((k) => 13 + k);
  const y = limbs.map((k) => 23 + k);
  const wrapped = limbs.map((k) => 33 + k);
  const sums = [0, 10].map((from) => limbs.map((k) => 43 + from + k));
  const loads = limbs.flatMap((k) => [
    set(x[k]!, v128.load(get(a), VECTOR_BYTES * k)),
    set(y[k]!, v128.load(get(b), VECTOR_BYTES * k)),
    k % 2 === 1 ? set(twice[k]!, i32x4.shiftLeft(get(x[k]!), i32.const(1))) : [],
    k > 0 ? set(wrapped[k]!, i32x4.mul(get(y[k]!), v128.const(19, 19, 19, 19))) : [],
  ]);
  const products = limbs.flatMap((k) =>
    [i64x2.productsLow, i64x2.productsHigh].map((multiply, half) =>
      set(
        sums[half]![k]!,
        terms[k]!.map(({ i, j, isTwice, isWrapped }) =>
          multiply(get((isTwice ? twice : x)[i]!), get((isWrapped ? wrapped : y)[j]!)),
        ).reduce(i64x2.add),
      ),
    ),
  );
  const stores = limbs.map((k) =>
    v128.store(get(out), VECTOR_BYTES * k, v128.shuffle(get(sums[0]![k]!), get(sums[1]![k]!), 0, 2, 4, 6)),
  );
  return {
    name: 'productOfQuads',
    params: several(3, 'i32'),
    locals: several(60, 'v128'),
    body: [loads, products, carried(sums[0]!, vectors), carried(sums[1]!, vectors), stores],
  };
}

/** `(out, a, b)`: the product of two singles, reduced. */
export function product(): Func<'product'> {
  const [out, a, b] = [0, 1, 2];
  const x = limbs.map((k) => 3 + k);
  const y = limbs.map((k) => 13 + k);
  const sums = limbs.map((k) => 23 + k);
  const loads = limbs.flatMap((k) => [
    set(x[k]!, i64.load32(get(a), 4 * k)),
    set(y[k]!, i64.load32(get(b), 4 * k)),
  ]);
  const sumOf = (k: number): Code =>
    terms[k]!.map(({ i, j, isTwice, isWrapped }) => {
      const times = (isTwice ? 2n : 1n) * (isWrapped ? 19n : 1n);
      const plain = i64.mul(get(x[i]!), get(y[j]!));
      return times === 1n ? plain : i64.mul(plain, i64.const(times));
    }).reduce(i64.add);
  return {
    name: 'product',
    params: several(3, 'i32'),
    locals: several(30, 'i64'),
    body: [
      loads,
      limbs.map((k) => set(sums[k]!, sumOf(k))),
      carried(sums, scalars),
      limbs.map((k) => i64.store32(get(out), 4 * k, get(sums[k]!))),
    ],
  };
}

/** `(out, a, times)`: the single `a` squared so many times, at least once; reduced. */
export function squares(): Func<'squares'> {
  const [out, a, times] = [0, 1, 2];
  const x = limbs.map((k) => 3 + k);
  const wrapped = limbs.map((k) => 13 + k);
  const sums = limbs.map((k) => 23 + k);
  const sumOf = (k: number): Code =>
    terms[k]!.filter(({ i, j }) => i <= j)
      .map(({ i, j, isTwice, isWrapped }) => {
        const plain = i64.mul(get(x[i]!), get((isWrapped ? wrapped : x)[j]!));
        const doublings = (isTwice ? 1 : 0) + (i < j ? 1 : 0);
        return doublings === 0 ? plain : i64.shiftLeft(plain, i64.const(BigInt(doublings)));
      })
      .reduce(i64.add);
  return {
    name: 'squares',
    params: several(3, 'i32'),
    locals: several(30, 'i64'),
    body: [
      limbs.map((k) => set(x[k]!, i64.load32(get(a), 4 * k))),
      repeat(times, [
        limbs.map((k) => set(wrapped[k]!, i64.mul(get(x[k]!), i64.const(19n)))),
        limbs.map((k) => set(sums[k]!, sumOf(k))),
        carried(sums, scalars),
        limbs.map((k) => set(x[k]!, get(sums[k]!))),
      ]),
      limbs.map((k) => i64.store32(get(out), 4 * k, get(x[k]!))),
    ],
  };
}

/** `(out, a)`: the 32 bytes of a reduced single, below p. */
export function canonical(): Func<'canonical'> {
  const [out, a, over, rest] = [0, 1, 2, 3];
  const limb = limbs.map((k) => 4 + k);
  const { add, shiftLeft, shiftRight, mask } = scalars;
  // How often p goes into it, 0 or 1: whether 19 more would carry out of the top limb.
  const count = limbs.map((k) => set(over, shiftRight(add(get(over), get(limb[k]!)), bitsOf(k))));
  const less = limbs.map((k) => [
    set(over, add(get(over), get(limb[k]!))),
    set(limb[k]!, mask(get(over), bitsOf(k))),
    set(over, shiftRight(get(over), bitsOf(k))),
  ]);
  let [have, to] = [0, 0];
  const packed = limbs.map((k): Code => {
    const appended = set(rest, add(get(rest), shiftLeft(get(limb[k]!), have)));
    have += bitsOf(k);
    if (have < 32 && k < LIMBS - 1) return appended;
    const stored = i64.store32(get(out), to, get(rest));
    to += 4;
    have -= 32;
    return [appended, stored, set(rest, shiftRight(get(rest), 32))];
  });
  return {
    name: 'canonical',
    params: several(2, 'i32'),
    locals: several(12, 'i64'),
    body: [
      limbs.map((k) => set(limb[k]!, i64.load32(get(a), 4 * k))),
      set(over, i64.const(19n)),
      count,
      set(over, i64.mul(get(over), i64.const(19n))),
      less,
      packed,
    ],
  };
}

interface Lanes {
  add(a: Code, b: Code): Code;
  shiftLeft(a: Code, bits: number): Code;
  shiftRight(a: Code, bits: number): Code;
  mask(a: Code, bits: number): Code;
}

const vectors: Lanes = {
  add: i64x2.add,
  shiftLeft: (a, bits) => i64x2.shiftLeft(a, i32.const(bits)),
  shiftRight: (a, bits) => i64x2.shiftRight(a, i32.const(bits)),
  mask: (a, bits) => v128.and(a, v128.const(2 ** bits - 1, 0, 2 ** bits - 1, 0)),
};

const scalars: Lanes = {
  add: i64.add,
  shiftLeft: (a, bits) => i64.shiftLeft(a, i64.const(BigInt(bits))),
  shiftRight: (a, bits) => i64.shiftRight(a, i64.const(BigInt(bits))),
  mask: (a, bits) => i64.and(a, i64.const(2n ** BigInt(bits) - 1n)),
};

/** Brings sums of products back to limbs: two chains of carries side by side, then the top one into the bottom. */
function carried(sums: readonly number[], { add, shiftLeft, shiftRight, mask }: Lanes): Code {
  const carry = (k: number): Code => {
    const [from, to] = [sums[k]!, sums[(k + 1) % LIMBS]!];
    const over = shiftRight(get(from), bitsOf(k));
    // 2^255 = 19: 16 + 2 + 1 times, by shifts.
    const nineteen = (code: Code): Code => add(add(shiftLeft(code, 4), shiftLeft(code, 1)), code);
    return [
      set(to, add(get(to), k === LIMBS - 1 ? nineteen(over) : over)),
      set(from, mask(get(from), bitsOf(k))),
    ];
  };
  return [0, 4, 1, 5, 2, 6, 3, 7, 4, 8, 9, 0].map(carry);
}
