import { getHeapStatistics } from 'node:v8';
import { Script } from 'node:vm';
import { Random } from '../sim/random.js';
import { mutate } from './mutate.js';

/**
 * One decoder. `take` says what it made of the bytes: 'refused' in the way that it promises, 'accepted', or the bytes
 * of the accepted value again, which must be the same. Whatever it throws is a crash.
 */
export interface Target {
  readonly name: string;
  /** Its share of the inputs, against those of the others. */
  readonly weight: number;
  readonly corpus: readonly Uint8Array[];
  readonly take: Take | TakeLater;
  /** `take` gives a promise. */
  readonly later?: boolean;
}
export type Taken = 'refused' | 'accepted' | Uint8Array;
type Take = (raw: Uint8Array) => Taken;
type TakeLater = (raw: Uint8Array) => Promise<Taken>;

export interface TargetCount {
  readonly name: string;
  inputs: number;
  accepted: number;
  slowestMs: number;
}

export interface FuzzFinding {
  readonly target: string;
  readonly kind: 'crash' | 'hang' | 'memory' | 'round-trip';
  readonly detail: string;
  /** The input, in hex. */
  readonly input: string;
}

/** What no input of these sizes may take. Far above what any does, so that a slow machine finds nothing. */
const HANG_MS = 120_000;
const MEMORY_BYTES = 128 * 1024 * 1024;
/** Few, so that every decoder has its turn in short runs too. */
const BATCH = 16;

/**
 * Feeds decoders with valid encodings, changed ones and random bytes; ends at the first finding. The same seed gives
 * the same inputs. A batch that does not end is cut off.
 */
export async function fuzz(
  targets: readonly Target[],
  inputs: number,
  seed: number,
): Promise<{ readonly counts: readonly TargetCount[]; readonly finding: FuzzFinding | null }> {
  const random = new Random(seed);
  const shares = targets.flatMap((target) => Array<Target>(target.weight).fill(target));
  const counts = new Map(
    targets.map(({ name }) => [name, { name, inputs: 0, accepted: 0, slowestMs: 0 } as TargetCount]),
  );
  let current: { readonly target: Target; readonly raw: Uint8Array } | null = null;
  const finding = (kind: FuzzFinding['kind'], detail: string): FuzzFinding => {
    const { target, raw } = current!;
    return { target: target.name, kind, detail, input: Buffer.from(raw).toString('hex') };
  };

  for (let done = 0; done < inputs; ) {
    const target = random.pick(shares);
    const batch = Math.min(BATCH, inputs - done);
    const count = counts.get(target.name)!;
    const judge = (taken: Taken, raw: Uint8Array, since: number, heap: number): FuzzFinding | null => {
      count.inputs += 1;
      count.slowestMs = Math.max(count.slowestMs, performance.now() - since);
      if (taken !== 'refused') count.accepted += 1;
      if (memory() - heap > MEMORY_BYTES)
        return finding('memory', `${memory() - heap} bytes more than before`);
      if (taken === 'refused' || taken === 'accepted' || Buffer.compare(taken, raw) === 0) return null;
      return finding('round-trip', `again it is ${Buffer.from(taken).toString('hex')}`);
    };
    try {
      const take = (): FuzzFinding | null => {
        for (let i = 0; i < batch; i += 1) {
          const raw = mutate(target.corpus, random);
          current = { target, raw };
          const [since, heap] = [performance.now(), memory()];
          const found = judge((target.take as Take)(raw.slice()), raw, since, heap);
          if (found !== null) return found;
        }
        return null;
      };
      const takeLater = async (): Promise<FuzzFinding | null> => {
        for (let i = 0; i < batch; i += 1) {
          const raw = mutate(target.corpus, random);
          current = { target, raw };
          const [since, heap] = [performance.now(), memory()];
          const found = judge(await (target.take as TakeLater)(raw.slice()), raw, since, heap);
          if (found !== null) return found;
        }
        return null;
      };
      const found = target.later ? await takeLater() : bounded(take);
      if (found !== null) return { counts: [...counts.values()], finding: found };
    } catch (error) {
      const hung = (error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { counts: [...counts.values()], finding: finding(hung ? 'hang' : 'crash', detail) };
    }
    done += batch;
  }
  return { counts: [...counts.values()], finding: null };
}

const script = new Script('fuzzWork()');

/** Runs work that is cut off after HANG_MS, wherever it is. */
function bounded<T>(work: () => T): T {
  const slot = globalThis as { fuzzWork?: () => T };
  slot.fuzzWork = work;
  return script.runInThisContext({ timeout: HANG_MS }) as T;
}

function memory(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}
