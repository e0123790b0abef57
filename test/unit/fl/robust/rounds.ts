import {
  createGrid,
  type Grid,
  type RoundUpdate,
  type Verdict,
  type VerificationContext,
  type VerificationName,
  type VerificationRule,
  verificationRules,
} from '../../../../fl/index.js';

/** No noise, C = 1: for d <= 104 the wire step is 2⁻¹⁰. */
export const quiet = (dimension: number): Grid => createGrid({ dimension, clip16: 65_536, sigma16: 0 });

/** An update whose hash is as unlike its device's id as tests need. */
export function update(device: string, wire: readonly number[], units = 1, hash = `h${device}`): RoundUpdate {
  return { device, units, wire: Int32Array.from(wire), hash };
}

export function context(grid: Grid, round = 1, faulty = 0, blacklisted = 0): VerificationContext {
  return { round, grid, faulty, blacklisted };
}

/** Runs a rule over rounds 1, 2, ...; returns the verdicts of each. */
export function play(
  rule: VerificationName | VerificationRule,
  rounds: readonly { readonly updates: readonly RoundUpdate[]; readonly grid: Grid }[],
): { verdicts: (readonly Verdict[])[]; accumulator: Uint8Array | null } {
  let accumulator: Uint8Array | null = null;
  const verdicts = rounds.map(({ updates, grid }, index) => {
    const result = (typeof rule === 'string' ? verificationRules[rule] : rule).verify(
      updates,
      accumulator,
      context(grid, index + 1),
    );
    accumulator = result.accumulator;
    return result.verdicts;
  });
  return { verdicts, accumulator };
}

/** The verdicts as text, one a device: "a ok", "b opposes". */
export function reasons(verdicts: readonly Verdict[]): string[] {
  return verdicts.map(({ device, reason }) => `${device} ${reason ?? 'ok'}`);
}

/** A small seeded generator for test data (mulberry32); the seed goes into the test's name. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
