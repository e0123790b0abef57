/** What a device does in a round, by name, and the lattices on which its result travels. */
import { strict as assert } from 'node:assert';
import { createGrid, type Grid, type GridParams, wireStep } from '../grid/index.js';
import type { Unit } from '../privacy/units.js';
import { localFedAvg } from './fedAvg.js';
import { fedProx } from './fedProx.js';
import { fedSgd } from './fedSgd.js';
import { type LocalStep, type LocalWork, ONE16, RATE_ALL } from './localStep.js';
import { scaffold } from './scaffold.js';

export type LocalStepName = 'fedsgd' | 'fedavg' | 'fedprox' | 'scaffold';

export const localSteps: Readonly<Record<LocalStepName, LocalStep>> = {
  fedsgd: fedSgd,
  fedavg: localFedAvg,
  fedprox: fedProx,
  scaffold,
};

export const LOCAL_STEPS_MAX = 1_000;

/** One gradient a round. */
export const oneStep: LocalWork = {
  step: 'fedsgd',
  steps: 1,
  learningRate16: ONE16,
  proximal16: 0,
  noise: 'every-step',
  rate32: RATE_ALL,
};

/** How many noised releases of a device's data a round is: what its ledger is charged for. */
export function releasesOf({ steps, noise }: LocalWork): number {
  return noise === 'once' ? 1 : steps;
}

/** Null if the work holds together, else the reason why not, for people. */
export function checkLocalWork(
  work: LocalWork,
  { clip16 }: Pick<GridParams, 'clip16'>,
  unit: Unit,
): string | null {
  const { step, steps, learningRate16, proximal16, noise, rate32 } = work;
  if (step === 'fedsgd' && steps !== 1) return `fedsgd is one step a round, not ${steps}`;
  if (step !== 'fedprox' && proximal16 !== 0) return `${step} has no proximal term`;
  if (learningRate16 * proximal16 > ONE16 * ONE16) return 'learning rate × proximal term must be at most 1';
  if (unit === 'device' && steps > 1 && noise !== 'once')
    return 'a whole update is clipped and noised at its end: say that noise is added once';
  if (unit !== 'device' && steps > 1 && noise === 'once')
    return `clipping each ${unit} in inner steps without noise bounds nothing: every step needs its own noise`;
  if (unit === 'device' && rate32 !== RATE_ALL)
    return 'the chain names the devices that take part: drawing them hides nobody';
  if (clip16 * weightsOf(work).sum > 2 ** 31 - 1) return 'so many steps at this clip leave the lattice';
  return null;
}

/**
 * The grid on which a round's updates travel and are verified.
 *
 * K noised steps with weights a_j add up to one release with threshold C Σa_j and noise σC √(Σa_j²): that is the
 * grid with C' = ⌈C Σa⌉ and σ' = σ √(Σa²) / Σa, rounded to 2⁻¹⁶. Norm cap, wire step, and what rules reckon as noise
 * then follow as for one step. + - × ÷ and sqrt only: the same everywhere.
 * An update that is clipped and noised as a whole is one release, whatever its steps.
 * The noise itself is drawn step by step on the finer grid of (C, σ); this one draws none.
 */
export function roundGrid(params: GridParams, work: LocalWork): Grid {
  if (work.steps === 1 || work.noise === 'once') return createGrid(params);
  const { sum, squares } = weightsOf(work);
  const clip16 = Math.ceil(params.clip16 * sum);
  const sigma16 =
    params.sigma16 === 0 ? 0 : Math.max(1, Math.round((params.sigma16 * Math.sqrt(squares)) / sum));
  return createGrid({ ...params, clip16, sigma16 });
}

/**
 * From the mean of what travelled to what the server steps against: with local steps the mean distance that the
 * devices went, η times the sum of their gradients. Where units are drawn, a sum over N units holds q N of them.
 */
export function directionScale(work: LocalWork): number {
  return (work.step === 'fedsgd' ? 1 : work.learningRate16 / ONE16) / rateOf(work);
}

/** How many of a unit's clipped gradients a round's sum holds, on average and in 2^-32; a whole update is one. */
export function gradients32Of(work: LocalWork): number {
  return work.noise === 'once' ? RATE_ALL : Math.max(1, Math.round(weightsOf(work).sum * work.rate32));
}

/** Of so many units, how many a step draws on average. */
export function drawnUnits(units: number, work: LocalWork): number {
  return units * rateOf(work);
}

function rateOf({ rate32 }: LocalWork): number {
  return rate32 / RATE_ALL;
}

/** A device's control variate from its published update: the mean gradient of its steps, in real units. */
export function ownControl(wire: Int32Array, units: number, grid: Grid, work: LocalWork): Float64Array {
  const scale = wireStep(grid) / (drawnUnits(units, work) * weightsOf(work).sum);
  return Float64Array.from(wire, (entry) => entry * scale);
}

/** Everybody's, from the last aggregate. */
export function commonControl(direction: Float32Array, work: LocalWork): Float64Array {
  const gradients = weightsOf(work).sum * rateOf(work);
  return Float64Array.from(direction, (entry) => entry / gradients);
}

/** Σ a_j and Σ a_j² of the weights with which a round's steps count at its end. */
function weightsOf(work: LocalWork): { readonly sum: number; readonly squares: number } {
  const decay = localSteps[work.step].decay(work);
  assert.ok(decay >= 0 && decay <= 1, 'a step shrinks what was before it, or leaves it');
  let [weight, sum, squares] = [1, 0, 0];
  for (let step = 0; step < work.steps; step++) {
    sum += weight;
    squares += weight * weight;
    weight *= decay;
  }
  return { sum, squares };
}

export { type LocalPlace, type LocalStep, type LocalWork, RATE_ALL } from './localStep.js';
