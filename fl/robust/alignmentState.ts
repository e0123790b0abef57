/** One round of the window; its updates' grid follows from it and the dimension. */
export interface WindowRound {
  readonly round: number;
  /** Clipping threshold C in units of 2⁻¹⁶. */
  readonly clip16: number;
  /** Noise multiplier σ in units of 2⁻¹⁶. */
  readonly sigma16: number;
}

/** How a device is wont to differ from the others; see turning.ts. */
export interface Usual {
  /** Entries are in units of multiple · 2^exponent. */
  readonly exponent: number;
  /** 1 .. 2^10 - 1, as a grid's wireMultiple. */
  readonly multiple: number;
  readonly entries: Int32Array;
}

/** What alignment remembers of a device. */
export interface DeviceRecord {
  readonly device: string;
  /** Refused by its latest verdict of this rule; while it is, the others are not measured against it. */
  readonly refused: boolean;
  /** In how many rounds it took part. */
  readonly rounds: number;
  /** Σ_t ⟨u_k/N_k, c_k⟩ less what the device's own known noise adds on average, in units of 2⁻¹²⁸. */
  readonly inner: bigint;
  /** Σ_t ‖c_k‖², in units of 2⁻¹²⁸. */
  readonly energy: bigint;
  /** Σ_t (σC)² ‖c_k‖²: N_k² times the variance of `inner` by the known noise; in units of 2⁻¹⁹². */
  readonly noise: bigint;
  /** From its updates so far. */
  readonly usual: Usual;
  /** Its updates in wire steps, beside the window's rounds; null where it took no part. */
  readonly window: readonly (Int32Array | null)[];
}

/** Everything that alignment carries from round to round: the contents of its accumulator. */
export interface AlignmentState {
  readonly dimension: number;
  /** Rounds of the window, ascending; the last is the last round judged. */
  readonly rounds: readonly WindowRound[];
  /** Every device that ever took part, ascending by id. */
  readonly devices: readonly DeviceRecord[];
}

/** Rounds in the window. */
export const WINDOW_ROUNDS = 10;
/** `inner` and `energy` are in units of 2⁻¹²⁸: far below the square of any wire step. */
export const SUM_BITS = 128n;
