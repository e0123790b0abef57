import type { LocalStepName } from './index.js';

/** What a task says about a device's work in a round. */
export interface LocalWork {
  readonly step: LocalStepName;
  /** K: gradient steps a round, each over all records of the device. */
  readonly steps: number;
  /** η of a device's own steps, in 2⁻¹⁶. FedSGD has none: its one gradient is what travels. */
  readonly learningRate16: number;
  /** µ of FedProx, in 2⁻¹⁶. */
  readonly proximal16: number;
  /**
   * Where noise is added: to each step's sum, or once to what leaves the device, clipped as a whole. Of one step the
   * two are the same.
   */
  readonly noise: 'every-step' | 'once';
  /**
   * Share of its units that a device draws for each step, in secret and each on its own, in 2⁻³²; 2³²: all of them.
   * Nobody can see it: it is declared.
   */
  readonly rate32: number;
}

/** Of one device between two of its steps. All [d]. */
export interface LocalPlace {
  /** The weights that the round began with. */
  readonly start: Float32Array;
  readonly weights: Float32Array;
  /** Control variates, own and everybody's, as mean gradients; null before there are any. */
  readonly control: { readonly own: Float64Array | null; readonly all: Float64Array | null } | null;
}

/**
 * A named way to take local steps: w ← w - η (ḡ + pull), ḡ the mean of the step's clipped and noised gradients.
 *
 * Only noised sums and public numbers enter a pull, so it is post-processing and costs no privacy.
 */
export interface LocalStep {
  readonly name: string;
  /** It needs control variates: the last aggregate from the chain, and the device's own last update. */
  readonly controlled: boolean;
  /** By which factor a step shrinks what the steps before it moved, 0 to 1. */
  readonly decay: (work: LocalWork) => number;
  readonly pull: (place: LocalPlace, index: number, work: LocalWork) => number;
}

export const ONE16 = 65_536;
/** The rate of a task that draws no units. */
export const RATE_ALL = 2 ** 32;
