import { expect, it } from 'vitest';
import {
  createMemory,
  type Func,
  get,
  i32,
  i64,
  instantiate,
  PAGE_BYTES,
  repeat,
  set,
  several,
  v128,
  when,
} from '../../../wasm/index.js';

const memory = createMemory(1);
const words = new Uint32Array(memory.buffer);
const run = (body: Func['body'], ...params: readonly number[]): void => {
  const func = { name: 'f', params: several(params.length, 'i32'), locals: several(2, 'i32'), body } as const;
  instantiate<'f'>([func], memory).f(...params);
};
const at = (address: number) => i32.const(address);

// Where LEB128 takes one byte more, and where its sign changes.
it.each([0, 1, 63, 64, 127, 128, 8_191, 8_192, 2 ** 31 - 1, -1, -64, -65, -8_192, -8_193, -(2 ** 31)])(
  'constants are what was written: %i',
  (value) => {
    run(v128.store(at(0), 0, v128.const(value, value, 0, -1)));
    run(i64.store32(at(16), 0, i64.const(BigInt(value))));
    run([
      set(0, i32.const(value)),
      when(i32.isBelow(get(0), i32.const(0)), i64.store32(at(20), 0, i64.const(1n))),
    ]);
    expect([...words.subarray(0, 5)]).toEqual([value, value, 0, -1, value].map((each) => each >>> 0));
    expect(words[5]).toBe(value < 0 ? 1 : 0);
    words.fill(0, 0, 6);
  },
);

it('a branch takes one of its sides, and a loop ends when its counter does', () => {
  const sides = when(
    i32.isAtMost(get(0), i32.const(3)),
    [i64.store32(at(0), 0, i64.const(1n))],
    [i64.store32(at(0), 0, i64.const(2n))],
  );
  run(sides, 3);
  expect(words[0]).toBe(1);
  run(sides, 4);
  expect(words[0]).toBe(2);
  words[1] = 0;
  run(repeat(0, i64.store32(at(4), 0, i64.add(i64.load32(at(4)), i64.const(1n)))), 1_000);
  expect(words[1]).toBe(1_000);
});

it('an offset of several bytes reaches the end of the memory, and no further', () => {
  for (const offset of [124, 128, 200, 252, 256, 16_380, 16_384]) {
    run(i64.store32(at(0), offset, i64.const(5n)));
    expect(words[offset / 4]).toBe(5);
  }
  const last = PAGE_BYTES - 4;
  run(i64.store32(at(0), last, i64.const(7n)));
  expect(words[last / 4]).toBe(7);
  expect(() => run(i64.store32(at(4), last, i64.const(7n)))).toThrow(/out of bounds/);
});

it('what the engine does not take is thrown', () => {
  expect(() => run([0xff])).toThrow(/WebAssembly/);
});
