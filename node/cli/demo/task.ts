import { bytesToHex } from '../../../crypto/index.js';
import { encodedWidth, schemaJson } from '../../../fl/index.js';
import { LOCAL_LEVEL, type PreparedData, seedFor } from '../../provision/index.js';
import type { TaskFile } from '../taskFile.js';
import type { DemoOptions } from './options.js';

/** Share of poisoned devices that the rule shall withstand. */
const FAULTY_SHARE = 0.3;

/** The task of a run; the demo's own: logistic regression, one clipped and noised step a round. */
export function demoTask(options: DemoOptions, data: PreparedData): TaskFile {
  if (options.task !== undefined) return { ...options.task, schema: schemaJson(data.schema) };
  const devices = options.validators * options.devices;
  const { label } = data.schema;
  return {
    title: `Predict ${label.name} = ${label.classes[1]}`,
    level: LOCAL_LEVEL,
    model: { inputs: encodedWidth(data.schema), layers: [{ kind: 'dense', units: 1, activation: 'linear' }] },
    weightsSeed: bytesToHex(seedFor('weights', options.seed)),
    schema: schemaJson(data.schema),
    publicData: options.epsilon === null,
    learningRate: 1,
    rounds: options.rounds,
    clip: 1,
    privacy: options.epsilon === null ? null : { epsilon: options.epsilon, delta: options.delta },
    verification: 'alignment',
    faulty: Math.round(FAULTY_SHARE * devices),
    reputation: 'absolute',
    aggregation: 'mean',
    devices,
    quorum: Math.ceil((2 * devices) / 3),
    enrolMs: 60_000,
    // A round closes when all updates are in; this long it waits for lost devices. A dead validator costs some
    // seconds of empty blocks whenever it would lead, and with 5 s that was enough to lose whole rounds.
    deadlineMs: 10_000,
    deadlineBlocks: 2,
    auditHeights: 100_000,
  };
}
