/**
 * Just enough of a WebAssembly assembler to write the kernels beside it: functions of i32 parameters that return nothing,
 * over one imported memory, with 128-bit vectors.
 *
 * Source: WebAssembly Core Specification 2.0, section 5 (binary format).
 */
export type Code = readonly (number | Code)[];

export interface KernelSource {
  readonly name: string;
  /** i32, locals 0 .. parameters - 1. */
  readonly parameters: number;
  /** Further i32 locals after these, and vector locals after those. */
  readonly integers: number;
  readonly vectors: number;
  readonly body: Code;
}

const I32 = 0x7f;
const V128 = 0x7b;
const VOID = 0x40;

export const get = (local: number): Code => [0x20, local];
export const set = (local: number, value: Code): Code => [value, 0x21, local];
export const constant = (value: number): Code => [0x41, signed(value)];
export const add = (a: Code, b: Code): Code => [a, b, 0x6a];
export const subtract = (a: Code, b: Code): Code => [a, b, 0x6b];
export const isAtMost = (a: Code, b: Code): Code => [a, b, 0x4d];
export const isBelow = (a: Code, b: Code): Code => [a, b, 0x49];
export const load = (address: Code): Code => [address, 0x28, 2, 0];
/** Runs the body, then again while the condition holds. */
export const doWhile = (body: Code, condition: Code): Code => [0x03, VOID, body, condition, 0x0d, 0, 0x0b];
export const when = (condition: Code, body: Code): Code => [condition, 0x04, VOID, body, 0x0b];

export const loadVector = (address: Code, offset: number): Code => [address, simd(0), 4, unsigned(offset)];
export const storeVector = (address: Code, offset: number, value: Code): Code => [
  address,
  value,
  simd(11),
  4,
  unsigned(offset),
];
export const splatFloat = (address: Code): Code => [address, simd(9), 2, 0];
export const splatDouble = (address: Code): Code => [address, simd(10), 3, 0];
export const zeroVector: Code = [simd(12), ...new Array<number>(16).fill(0)];
export const addFloats = (a: Code, b: Code): Code => [a, b, simd(0xe4)];
export const multiplyFloats = (a: Code, b: Code): Code => [a, b, simd(0xe6)];
export const addDoubles = (a: Code, b: Code): Code => [a, b, simd(0xf0)];
export const multiplyDoubles = (a: Code, b: Code): Code => [a, b, simd(0xf2)];
/** Toward zero. */
export const truncateDoubles = (a: Code): Code => [a, simd(0x7a)];

/** The module's bytes: it imports `env.memory` and exports each kernel by its name. */
export function assemble(kernels: readonly KernelSource[]): Uint8Array<ArrayBuffer> {
  const signatures = kernels.map(({ parameters }) => [
    0x60,
    vector(new Array<Code>(parameters).fill([I32])),
    0,
  ]);
  const indices = kernels.map((_, index) => unsigned(index));
  const exported = kernels.map(({ name }, index) => [text(name), 0, unsigned(index)]);
  const code: Code = [
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, vector(signatures)),
    section(2, vector([[text('env'), text('memory'), 2, 0, 1]])),
    section(3, vector(indices)),
    section(7, vector(exported)),
    section(10, vector(kernels.map(functionOf))),
  ];
  return Uint8Array.from(flat(code));
}

function functionOf({ integers, vectors, body }: KernelSource): Code {
  const locals = vector([
    [unsigned(integers), I32],
    [unsigned(vectors), V128],
  ]);
  return sized([locals, body, 0x0b]);
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

function simd(operation: number): Code {
  return [0xfd, unsigned(operation)];
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 128 ? [value] : [(value & 127) | 128, unsigned(value >>> 7)];
}

function signed(value: number): Code {
  const rest = value >> 7;
  const isLast = (rest === 0 && (value & 64) === 0) || (rest === -1 && (value & 64) !== 0);
  return isLast ? [value & 127] : [(value & 127) | 128, signed(rest)];
}

function flat(code: Code): number[] {
  return code.flatMap((item) => (typeof item === 'number' ? [item] : flat(item)));
}
