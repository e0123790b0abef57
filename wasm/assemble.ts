/**
 * WebAssembly from functions written as expressions: as much of the format as the kernels need that are written here.
 * Functions have no results: they write into the one memory, which they import.
 *
 * Source: WebAssembly Core Specification 2.0, section 5 (binary format).
 */

/** Instructions that together leave at most one value on the stack. */
export type Code = readonly (number | Code)[];

const TYPES = { i32: 0x7f, i64: 0x7e, v128: 0x7b } as const;
export type Type = keyof typeof TYPES;

export interface Func<Name extends string = string> {
  readonly name: Name;
  /** The first locals. */
  readonly params: readonly Type[];
  readonly locals: readonly Type[];
  readonly body: Code;
}

/** So many locals of one type. */
export const several = (count: number, type: Type): readonly Type[] => new Array<Type>(count).fill(type);

const VOID = 0x40;
type Unary = (a: Code) => Code;
type Binary = (a: Code, b: Code) => Code;
const unary =
  (op: Code): Unary =>
  (a) => [a, op];
const binary =
  (op: Code): Binary =>
  (a, b) => [a, b, op];
const square =
  (op: Code): Unary =>
  (a) => [a, a, op];
const simd = (op: number): Code => [0xfd, unsigned(op)];
/** Of any alignment, which is a hint alone. */
const load =
  (op: Code) =>
  (address: Code, offset = 0): Code => [address, op, 0, unsigned(offset)];
const store =
  (op: Code) =>
  (address: Code, offset: number, value: Code): Code => [address, value, op, 0, unsigned(offset)];

export const get = (local: number): Code => [0x20, unsigned(local)];
export const set = (local: number, value: Code): Code => [value, 0x21, unsigned(local)];
export const call = (func: number, ...args: Code[]): Code => [args, 0x10, unsigned(func)];
/** Runs the body, then again while the condition holds. */
export const doWhile = (body: Code, condition: Code): Code => [0x03, VOID, body, condition, 0x0d, 0, 0x0b];
/** Runs the body as often as the i32 `counter` says, at least once, and counts it down to 0. */
export const repeat = (counter: number, body: Code): Code =>
  doWhile([body, set(counter, i32.sub(get(counter), i32.const(1)))], get(counter));
export const when = (condition: Code, then: Code, otherwise: Code = []): Code => [
  [condition, 0x04, VOID, then],
  otherwise.length === 0 ? [] : [0x05, otherwise],
  0x0b,
];

export const i32 = {
  const: (value: number): Code => [0x41, signed(BigInt(value))],
  load: load([0x28]),
  add: binary([0x6a]),
  sub: binary([0x6b]),
  mul: binary([0x6c]),
  and: binary([0x71]),
  shiftLeft: binary([0x74]),
  shiftRight: binary([0x76]),
  /** With signs. */
  isBelow: binary([0x48]),
  isAtMost: binary([0x4c]),
  /** Without signs, as addresses are. */
  isBelowUnsigned: binary([0x49]),
  isAtMostUnsigned: binary([0x4d]),
};

/** Without signs. */
export const i64 = {
  const: (value: bigint): Code => [0x42, signed(value)],
  /** Of four bytes. */
  load32: load([0x35]),
  store32: store([0x3e]),
  add: binary([0x7c]),
  mul: binary([0x7e]),
  and: binary([0x83]),
  shiftLeft: binary([0x86]),
  shiftRight: binary([0x88]),
};

export const v128 = {
  load: load(simd(0x00)),
  store: store(simd(0x0b)),
  /** Four lanes of 32 bits. */
  const: (...lanes: readonly number[]): Code => [
    simd(0x0c),
    lanes.flatMap((lane) => [0, 8, 16, 24].map((shift) => (lane >>> shift) & 0xff)),
  ],
  and: binary(simd(0x4e)),
  or: binary(simd(0x50)),
  xor: binary(simd(0x51)),
  /** Bits of `a` where the mask has ones, of `b` elsewhere. */
  select: (a: Code, b: Code, mask: Code): Code => [a, b, mask, simd(0x52)],
  /** Lanes of 32 bits: 0 to 3 are those of `a`, 4 to 7 those of `b`. */
  shuffle: (a: Code, b: Code, ...lanes: readonly number[]): Code => [
    [a, b, simd(0x0d)],
    lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
  ],
};

export const i32x4 = {
  splat: unary(simd(0x11)),
  shiftLeft: binary(simd(0xab)),
  /** Without signs. */
  shiftRight: binary(simd(0xad)),
  add: binary(simd(0xae)),
  sub: binary(simd(0xb1)),
  mul: binary(simd(0xb5)),
};

/** Without signs. */
export const i64x2 = {
  shiftLeft: binary(simd(0xcb)),
  shiftRight: binary(simd(0xcd)),
  add: binary(simd(0xce)),
  /** Squares, of 64 bits, of the 32-bit lanes 0 and 1, or 2 and 3, which have signs. */
  squaresLow: square(simd(0xdc)),
  squaresHigh: square(simd(0xdd)),
  /** Products, of 64 bits, of the 32-bit lanes 0 and 1, or 2 and 3. */
  productsLow: binary(simd(0xde)),
  productsHigh: binary(simd(0xdf)),
};

export const f32x4 = {
  loadSplat: load(simd(0x09)),
  /** All ones where so, else zeros; what is no number differs from itself. */
  isAbove: binary(simd(0x44)),
  differs: binary(simd(0x42)),
  add: binary(simd(0xe4)),
  mul: binary(simd(0xe6)),
};

export const f64x2 = {
  loadSplat: load(simd(0x0a)),
  add: binary(simd(0xf0)),
  mul: binary(simd(0xf2)),
  /** Toward zero. */
  truncate: unary(simd(0x7a)),
};

/** The module's bytes: it imports its memory as `host.memory`, and exports each function by its name. */
export function assemble(funcs: readonly Func[]): Uint8Array {
  const signatures = funcs.map(({ params }) => [0x60, vector(params.map((type) => [TYPES[type]])), 0]);
  const indices = funcs.map((_, index) => unsigned(index));
  const exported = funcs.map(({ name }, index) => [text(name), 0, indices[index]!]);
  return Uint8Array.from(
    flat([
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, vector(signatures)),
      section(2, vector([[text('host'), text('memory'), 2, 0, 1]])),
      section(3, vector(indices)),
      section(7, vector(exported)),
      section(10, vector(funcs.map(bodyOf))),
    ]),
  );
}

function bodyOf({ locals, body }: Func): Code {
  return sized([vector(locals.map((type) => [1, TYPES[type]])), body, 0x0b]);
}

function section(id: number, content: Code): Code {
  return [id, sized(content)];
}

function sized(content: Code): Code {
  const bytes = flat(content);
  return [unsigned(bytes.length), bytes];
}

function vector(items: readonly Code[]): Code {
  return [unsigned(items.length), items];
}

function text(value: string): Code {
  return vector([...value].map((letter) => [letter.charCodeAt(0)]));
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 128 ? [value] : [(value & 127) | 128, unsigned(value >>> 7)];
}

function signed(value: bigint): Code {
  const [low, rest] = [Number(value & 127n), value >> 7n];
  const isLast = (rest === 0n && low < 64) || (rest === -1n && low >= 64);
  return isLast ? [low] : [low | 128, signed(rest)];
}

/** Into one list by pushing: copied from level to level, a function of thousands of instructions would take long. */
function flat(code: Code, into: number[] = []): number[] {
  for (const item of code) {
    if (typeof item === 'number') into.push(item);
    else flat(item, into);
  }
  return into;
}
