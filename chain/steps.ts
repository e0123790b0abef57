import { limits } from './limits.js';
import type { StateAccess } from './state.js';

/**
 * What a call's work costs, in steps: about a microsecond each on the machine that they were measured on. Values are
 * part of the protocol, as limits are.
 */
export const stepCosts = {
  read: 10,
  write: 40,
  /** Of a value that is read or written. */
  bytesPerStep: 64,
  event: 10,
  work: {
    /** One Ed25519 signature checked. */
    signature: 150,
    /** What a task or a declared budget has to fit, by an accountant. */
    accountant: 10_000,
    /** How likely committees of so many validators are captured. */
    capture: 5_000,
  },
} as const;

/** What costs more than the reads and writes beside it show. */
export type Work = keyof typeof stepCosts.work;

/** Ends a call from however deep: caught by the execution that runs it, and by nobody else. */
export class OutOfSteps extends Error {
  override readonly name = 'OutOfSteps';
}

/** Counts what one call does. */
export interface StepMeter {
  readonly spent: number;
  /** Throws OutOfSteps above the limit, before the work is done. */
  spend(steps: number): void;
}

export function createMeter(max: number = limits.stepsPerCallMax): StepMeter {
  let spent = 0;
  return {
    get spent() {
      return spent;
    },
    spend: (steps) => {
      spent += steps;
      if (spent > max) throw new OutOfSteps(`more than ${max} steps`);
    },
  };
}

/** A state whose reads and writes are counted. What is read costs by its bytes, too: it has to be decoded. */
export function metered(state: StateAccess, meter: StepMeter): StateAccess {
  return {
    get: (key) => {
      meter.spend(stepCosts.read);
      const value = state.get(key);
      if (value !== null) meter.spend(bytesSteps(value));
      return value;
    },
    set: (key, value) => {
      meter.spend(stepCosts.write + bytesSteps(value));
      state.set(key, value);
    },
    remove: (key) => {
      meter.spend(stepCosts.write);
      state.remove(key);
    },
  };
}

function bytesSteps({ length }: Uint8Array): number {
  return Math.floor(length / stepCosts.bytesPerStep);
}
