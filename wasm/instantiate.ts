import { assemble, type Func } from './assemble.js';

/** What is used of the engine's; the project is compiled without the types of one. */
interface Engine {
  readonly Memory: new (limits: { readonly initial: number }) => Memory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

/** `grow` moves what views of the buffer show: they are to be made anew. */
export interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export const PAGE_BYTES = 65_536;

const engine = (globalThis as unknown as { readonly WebAssembly: Engine }).WebAssembly;

/** A memory of so many pages of 64 KiB, all zero. */
export function createMemory(pages: number): Memory {
  return new engine.Memory({ initial: pages });
}

/**
 * The functions, compiled, over the memory. Integers of 64 bits and vectors can't be handed in from outside.
 *
 * Throws where the engine takes no such module: a processor without vectors, a page whose policy forbids it.
 */
export function instantiate<Name extends string>(
  funcs: readonly Func<Name>[],
  memory: Memory,
): Record<Name, (...params: readonly number[]) => void> {
  const { exports } = new engine.Instance(new engine.Module(assemble(funcs)), { host: { memory } });
  return exports as Record<Name, (...params: readonly number[]) => void>;
}
