import {
  auroc,
  conform,
  initialWeights,
  type ModelSpec,
  normalDraws,
  placesOf,
  predict,
  type Records,
  type SynthesisJob,
  scoredRows,
  tiesOf,
} from '../../fl/index.js';
import { trainInLots } from '../../fl/trainer/index.js';
import { pick } from './data.js';
import { centralFit } from './logistic.js';
import type { Patients } from './patients.js';
import { stream } from './stream.js';

/** AUROC on `test` of a logistic regression (ridge 1) fitted to these rows at one place. */
export function aurocAfter(train: Records, test: Records, width: number): number {
  const weights = centralFit(train, width);
  const scores = Float64Array.from(test.y, (_, row) => {
    let logit = weights[width]!;
    for (let at = 0; at < width; at++) logit += weights[at]! * test.x[row * width + at]!;
    return logit;
  });
  return aurocOf(scores, test.y);
}

function aurocOf(scores: Float64Array, labels: Float32Array): number {
  const area = auroc(tiesOf(scoredRows(scores, labels)));
  if (area === null) throw new Error('a test part without one of the classes');
  return area;
}

/** The budget of a synthesis or a training. */
export type Budget = Pick<SynthesisJob, 'epsilonMicro' | 'deltaPico'>;

/** One hidden layer, trained by DP-SGD in lots on the records themselves; AUROC on `test`. */
export function aurocOfNetwork(
  train: Records,
  test: Records,
  width: number,
  budget: Budget,
  name: string,
): number {
  const model: ModelSpec = {
    inputs: width,
    layers: [
      { kind: 'dense', units: 32, activation: 'relu' },
      { kind: 'dense', units: 1, activation: 'linear' },
    ],
  };
  const weights = initialWeights(model, stream(`${name}/start`)(32));
  const lots = { rate32: 2 ** 29, lots: 200, clip16: 65_536, learningRate: 0.01 };
  const trained = trainInLots({ model, weights, ...train, ...lots, ...budget }, stream(name));
  return aurocOf(predict(model, trained.weights, test.x), test.y);
}

/**
 * What no generator may do: the records themselves, drawn with replacement, with some noise on their numbers. For showing
 * that a test finds it.
 */
export function noisyCopies(
  { schema, width }: Patients,
  records: Records,
  rows: number,
  deviation: number,
  name: string,
): Records {
  const random = stream(name);
  const view = new DataView(random(4 * rows).buffer);
  const drawn = Array.from({ length: rows }, (_, row) => view.getUint32(4 * row) % records.y.length);
  const copies = pick(records, width, drawn);
  const places = placesOf(schema);
  for (let row = 0; row < rows; row++) {
    const normal = normalDraws(width, random);
    for (const { kind, at, indicator } of places)
      if (kind === 'number' && (indicator === null || copies.x[row * width + indicator] === 0))
        copies.x[row * width + at]! += deviation * normal[at]!;
  }
  conform(copies.x, places, width);
  return copies;
}
