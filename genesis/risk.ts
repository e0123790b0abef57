import {
  captureProbability,
  captureRisk,
  faultyOf,
  isCaptureBounded,
  overHeights,
  type Probability,
  probabilityToNumber,
} from '../consensus/index.js';
import type { Genesis } from './schema.js';

/** What a consortium expects of its validators and of its chain. */
export interface Expectation {
  /** B: validators that may lie. */
  readonly dishonest: number;
  /** Validators that may be away at the same time, beside the dishonest ones. */
  readonly offline: number;
  /** Heights that the chain is planned to have. */
  readonly heights: number;
}

/** A chance for one height and for at least one of the planned heights; 0 to 1. */
export interface Chance {
  readonly perHeight: number;
  readonly overHeights: number;
}

export interface CommitteeRisk {
  readonly validators: number;
  /** M, what is drawn for each height. */
  readonly members: number;
  /** The dishonest get a third or more of the seats: they may fork the chain. All weighing alike, as at genesis. */
  readonly capture: Chance;
  /** The same when the dishonest have reached the cap of reputation and the others stand where genesis put them. */
  readonly captureAtCap: Chance;
  /** Dishonest and absent together have so many seats that the rest is no quorum: the height waits for them. */
  readonly stall: Chance;
  /** No chance of capture over the planned heights is above 1e-9. */
  readonly isSafe: boolean;
}

/**
 * What the draw of committees risks under an expectation. Exact; the numbers are for people,
 * `isSafe` is decided on the fractions. Cost: milliseconds.
 *
 * Fails with RangeError when dishonest and offline are not whole numbers within the validators, or heights < 1.
 */
export function committeeRisk(genesis: Genesis, { dishonest, offline, heights }: Expectation): CommitteeRisk {
  const validators = genesis.accounts.filter(({ role }) => role === 'validator').length;
  const whole = [dishonest, offline, heights].every((value) => Number.isSafeInteger(value) && value >= 0);
  if (!whole || dishonest + offline > validators || heights < 1) {
    throw new RangeError(
      `of ${validators} validators ${dishonest} dishonest and ${offline} offline over ${heights} heights`,
    );
  }
  const { params } = genesis;
  const members = Math.min(params.members, validators);
  const { start, cap } = params.validatorReputation;
  const risk = captureRisk({ validators, members, dishonest, start, cap });
  const stall = captureProbability({ validators, marked: dishonest + offline, members });
  const chance = (each: Probability): Chance => ({
    perHeight: probabilityToNumber(each),
    overHeights: probabilityToNumber(overHeights(each, heights)),
  });
  return {
    validators,
    members,
    capture: chance(risk.byCount),
    captureAtCap: chance(risk.byWeight),
    stall: chance(stall),
    isSafe: isCaptureBounded(risk, heights),
  };
}

/** The dishonest validators that a genesis file expects: those it says, else the most that agreement bears (f of N). */
export function dishonestOf({ params, accounts }: Genesis): number {
  return params.capture.dishonest ?? faultyOf(accounts.filter(({ role }) => role === 'validator').length);
}
