import type { RandomBytes } from '../../../crypto/index.js';
import {
  calibrateSigma16,
  checkSynthesis,
  conform,
  drawLabels,
  encodedWidth,
  gaussianEpsilon,
  noisedClassCounts,
  placesOf,
  type Synthesis,
  type SynthesisJob,
  synthesiseGaussian,
} from '../../index.js';
import { TrainerError } from '../error.js';
import { type Gan, type GanSettings, trainGan } from './gan.js';
import { calibrateLots, checkLots } from './trainInLots.js';

/** Of ε and δ, the class counts of the DCGAN take this part, one of so many; the lots the rest. */
const COUNT_PART = 32;

/** The settings of the studies, chosen on other seeds than are reported (docs/results.md). */
export const ganSettings: GanSettings = {
  latent: 32,
  filters: 8,
  rate32: 2 ** 32 / 16,
  lots: 400,
  lotsPerStep: 2,
  fakes: 64,
  clip16: 65_536,
  learningRate: 0.002,
};

/** What makes synthetic rows, by name. */
export const generators = {
  gaussian: synthesiseGaussian,
  gan: (job: SynthesisJob, random: RandomBytes) => synthesiseGan(job, ganSettings, random).synthesis,
} as const satisfies Readonly<Record<string, (job: SynthesisJob, random: RandomBytes) => Synthesis>>;
export type GeneratorName = keyof typeof generators;

/**
 * Synthetic rows of a table under a privacy budget, by the named generator.
 *
 * random: noise, lots and draws. Whatever leaves the machine needs a cryptographic source; a seeded one is for tests and
 *   studies, since noise that can be recomputed hides nothing.
 * Only the result may leave. Fails: TrainerError "bad-job"; "not-ready" for `gan` before startBackend.
 * Cost: `gaussian` under a second for thousands of rows; `gan` about a minute.
 */
export function synthesise(name: GeneratorName, job: SynthesisJob, random: RandomBytes): Synthesis {
  const problem = checkSynthesis(job);
  if (problem !== null) throw new TrainerError('bad-job', problem);
  return generators[name](job, random);
}

/**
 * Rows of a DCGAN whose discriminator saw the records in noised lots; ε and δ of counts and lots add up. The DCGAN itself
 * may leave too. The job must have passed checkSynthesis.
 */
export function synthesiseGan(
  job: SynthesisJob,
  settings: GanSettings,
  random: RandomBytes,
): { readonly synthesis: Synthesis; readonly gan: Gan } {
  checkLots(settings);
  const { schema, y, rows } = job;
  const classes = schema.label.classes.length;
  const counting = {
    epsilonMicro: Math.ceil(job.epsilonMicro / COUNT_PART),
    deltaPico: Math.floor(job.deltaPico / COUNT_PART),
  };
  const sigma16 = calibrateSigma16({ ...counting, rounds: 1 });
  const counts = noisedClassCounts(y, classes, sigma16, random);
  const countSpent = {
    epsilon: gaussianEpsilon({ sigma: sigma16 / 65_536, rounds: 1, delta: counting.deltaPico / 1e12 }),
    delta: counting.deltaPico / 1e12,
  };
  const lots = calibrateLots('discriminator', {
    ...settings,
    epsilonMicro: job.epsilonMicro - counting.epsilonMicro,
    deltaPico: job.deltaPico - counting.deltaPico,
  });
  const gan = trainGan(job, counts, settings, lots.sigma16, random);
  const labels = drawLabels(rows, counts, random);
  const x = gan.generate(labels, random);
  conform(x, placesOf(schema), encodedWidth(schema));
  const synthesis: Synthesis = {
    records: { x, y: labels, classes },
    spent: {
      epsilon: lots.spent.epsilon + countSpent.epsilon,
      delta: lots.spent.delta + countSpent.delta,
    },
    releases: [{ what: 'counts', sigma: sigma16 / 65_536, rate: 1, rounds: 1 }, lots.release],
  };
  return { synthesis, gan };
}
