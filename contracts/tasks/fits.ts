import { limits, type Refusal, refuse } from '../../chain/index.js';
import {
  accumulatorBytesMax,
  checkClipping,
  checkLocalWork,
  checkModel,
  checkSchema,
  classCount,
  encodedWidth,
  fitsBudget,
  keptVectors,
  ledgerCost,
  optimizerBytes,
  parameterCount,
  roundGrid,
} from '../../fl/index.js';
import type { Ledger } from '../privacy/index.js';
import type { TaskSpec } from './calls.js';

/** Does a task hold together? What does not is refused at publication, before any device trains. */
export function checkTask(spec: TaskSpec): Refusal | null {
  return (
    checkLearning(spec) ??
    checkLocal(spec) ??
    checkThreshold(spec) ??
    checkUnit(spec) ??
    checkPrivacy(spec) ??
    checkDevices(spec) ??
    checkAccumulator(spec) ??
    checkOptimizer(spec)
  );
}

function checkLearning({ model, schema }: TaskSpec): Refusal | null {
  const modelProblem = checkModel(model);
  if (modelProblem !== null) return refuse('model-unfit', modelProblem);
  const schemaProblem = checkSchema(schema);
  if (schemaProblem !== null) return refuse('schema-unfit', schemaProblem);
  const width = encodedWidth(schema);
  if (width !== model.inputs)
    return refuse('model-unfit', `the model takes ${model.inputs} inputs, the schema gives ${width}`);
  const [told, given] = [classCount(model), schema.label.classes.length];
  if (told !== given)
    return refuse('model-unfit', `the model tells ${told} classes apart, the schema has ${given}`);
  return null;
}

/** A round's steps must each be noised and charged, and their sum must stay on the lattice. */
function checkLocal({ privacy, local }: TaskSpec): Refusal | null {
  const problem = checkLocalWork(local, privacy, privacy.unit);
  return problem === null ? null : refuse('local-work-unfit', problem);
}

function checkThreshold({ privacy, clipping, rounds }: TaskSpec): Refusal | null {
  const problem = checkClipping(clipping, { ...privacy, rounds });
  return problem === null ? null : refuse('clipping-unfit', problem);
}

/** Units must be countable, and δ small against how many there are; how many records or persons, enrolment tells. */
function checkUnit({ privacy, schema, devicesMax }: TaskSpec): Refusal | null {
  const { unit, deltaPico } = privacy;
  if (unit === 'patient' && schema.subject === null)
    return refuse(
      'unit-unfit',
      'to protect patients the schema has to name the column that says whose a row is',
    );
  return unit === 'device' ? checkDelta(deltaPico, devicesMax, 'devices of the task') : null;
}

/** A mechanism that publishes one unit in the clear, at random, has δ = 1/n: such a δ promises nothing. */
function checkDelta(deltaPico: number, among: number, what: string): Refusal | null {
  if (BigInt(deltaPico) * BigInt(among) < 10n ** 12n) return null;
  return refuse('delta-unfit', `δ has to be less than 1 in ${among}, the ${what}`);
}

/** Do the units with which a device enrols fit the task, and its ledger the task's unit? */
export function checkEnrolment(
  { privacy, ...spec }: TaskSpec,
  units: number,
  ledger: Ledger | null,
): Refusal | null {
  if (privacy.unit === 'device' && units !== 1)
    return refuse('unit-unfit', 'under the unit device, a device is one unit, whatever it holds');
  if (privacy.sigma16 === 0) return null;
  if (ledger === null)
    return refuse('undeclared-dataset', 'declare the dataset and its budget first (privacy.declare)');
  if (ledgerCost(ledger, { privacy, ...spec }) === null)
    return refuse(
      'unit-unfit',
      `a ledger for each ${ledger.unit} cannot count what protects each ${privacy.unit}`,
    );
  const what = `units (${privacy.unit}) of this dataset`;
  return checkDelta(Math.max(privacy.deltaPico, ledger.deltaPico), units, what);
}

function checkPrivacy(spec: TaskSpec): Refusal | null {
  const { privacy, publicData, rounds } = spec;
  const { sigma16, epsilonMicro, deltaPico } = privacy;
  if (sigma16 === 0) {
    if (epsilonMicro !== 0 || deltaPico !== 0) return refuse('no-noise', 'a claimed ε needs noise: σ is 0');
    if (!publicData) return refuse('not-public', 'training without noise is for data declared public');
    return null;
  }
  if (epsilonMicro === 0 || deltaPico === 0)
    return refuse('no-budget', 'noise without ε and δ protects no claim');
  if (!fitsBudget({ epsilonMicro, deltaPico, rounds }, spec)) {
    return refuse(
      'overdraws',
      `${rounds} rounds of ${spec.local.steps} steps at this σ spend more than the ε and δ of the task`,
    );
  }
  return null;
}

function checkDevices({ quorum, devicesMax, verification }: TaskSpec): Refusal | null {
  if (quorum > devicesMax)
    return refuse('quorum-unfit', `a quorum of ${quorum} among at most ${devicesMax} devices`);
  if (verification.faulty > devicesMax) return refuse('faulty-unfit', 'more faulty devices than devices');
  return null;
}

/** What verification remembers becomes a payload: the worst that devices may send has to fit into one. */
function checkAccumulator({
  model,
  privacy,
  verification,
  clipping,
  local,
  devicesMax,
}: TaskSpec): Refusal | null {
  if (verification.rule !== 'alignment') return null;
  const { clip16, sigma16 } = privacy;
  const grid = roundGrid({ dimension: parameterCount(model), clip16, sigma16 }, local);
  const moves = clipping.rule !== 'fixed';
  const bytes = accumulatorBytesMax(devicesMax, grid, verification.front, moves);
  if (bytes <= limits.payloadBytesMax) return null;
  return refuse(
    'too-large-for-rule',
    `alignment may have to remember ${bytes} bytes, at most ${limits.payloadBytesMax}: take fewer devices, a smaller model or another rule`,
  );
}

/** So does what aggregation and the server's step keep. */
function checkOptimizer(spec: TaskSpec): Refusal | null {
  const vectors = keptVectors(spec);
  const bytes = optimizerBytes(vectors, parameterCount(spec.model));
  if (bytes <= limits.payloadBytesMax) return null;
  return refuse(
    'too-large-for-rule',
    `between rounds the task would keep ${vectors} vectors of the model's size, ${bytes} bytes, at most ${limits.payloadBytesMax}: take another server step, aggregation or local step`,
  );
}
