import { limits, type Refusal, refuse } from '../../chain/index.js';
import {
  accumulatorBytesMax,
  checkModel,
  checkSchema,
  classCount,
  createGrid,
  encodedWidth,
  parameterCount,
  rhoCap,
  roundRho,
} from '../../fl/index.js';
import type { TaskSpec } from './calls.js';

/** Does a task hold together? What does not is refused at publication, before any device trains. */
export function checkTask(spec: TaskSpec): Refusal | null {
  return checkLearning(spec) ?? checkPrivacy(spec) ?? checkDevices(spec) ?? checkAccumulator(spec);
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

function checkPrivacy({ privacy, publicData, rounds }: TaskSpec): Refusal | null {
  const { sigma16, epsilonMicro, deltaPico } = privacy;
  if (sigma16 === 0) {
    if (epsilonMicro !== 0 || deltaPico !== 0) return refuse('no-noise', 'a claimed ε needs noise: σ is 0');
    if (!publicData) return refuse('not-public', 'training without noise is for data declared public');
    return null;
  }
  if (epsilonMicro === 0 || deltaPico === 0)
    return refuse('no-budget', 'noise without ε and δ protects no claim');
  if (BigInt(rounds) * roundRho(sigma16) > rhoCap(epsilonMicro, deltaPico)) {
    return refuse('overdraws', `${rounds} rounds at this σ spend more than the ε and δ of the task`);
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
function checkAccumulator({ model, privacy, verification, devicesMax }: TaskSpec): Refusal | null {
  if (verification.rule !== 'alignment') return null;
  const { clip16, sigma16 } = privacy;
  const grid = createGrid({ dimension: parameterCount(model), clip16, sigma16 });
  const bytes = accumulatorBytesMax(devicesMax, grid);
  if (bytes <= limits.payloadBytesMax) return null;
  return refuse(
    'too-large-for-rule',
    `alignment may have to remember ${bytes} bytes, at most ${limits.payloadBytesMax}: take fewer devices, a smaller model or another rule`,
  );
}
