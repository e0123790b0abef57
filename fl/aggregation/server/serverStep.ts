/** What a task fixes about the server's step, in units of 2⁻¹⁶. A step uses those that its formula has. */
export interface ServerParams {
  /** η, 1 .. 2³². */
  readonly learningRate16: number;
  /** β (FedAvgM) or β₁ (FedAdam), 0 .. 65,535: below 1. */
  readonly momentum16: number;
  /** β₂, 0 .. 65,535. */
  readonly secondMoment16: number;
  /** τ, 1 .. 65,536: FedAdam's degree of adaptivity, and what keeps it from dividing by zero. */
  readonly adaptivity16: number;
}

/** What a step does at one coordinate. */
export interface Stepped {
  /** How far to go *against* the direction; what is subtracted from the weight. */
  readonly delta: number;
  /** The moments for the next round, each already rounded to float32. */
  readonly moments: readonly number[];
}

/**
 * A named way to go from the aggregated direction to the next weights.
 *
 * Coordinate by coordinate, in float64 with + - × ÷ and sqrt; what is kept is rounded to float32, and the step is
 * made with what is kept, so that a replay from stored bytes cannot differ.
 */
export interface ServerStep {
  readonly name: string;
  /** The moments before the first round, one number each; as many vectors are kept. */
  readonly initial: (params: ServerParams) => readonly number[];
  readonly step: (direction: number, moments: readonly number[], params: ServerParams) => Stepped;
}

export const ONE16 = 65_536;
