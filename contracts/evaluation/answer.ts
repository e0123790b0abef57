import { type CallScope, encode, type Refusal, refuse, type StateReader } from '../../chain/index.js';
import { bytesToHex, equalBytes, sha256 } from '../../crypto/index.js';
import { heldOutMax, histogramRho, isPlausibleHistogram, sumHistograms } from '../../fl/index.js';
import { canCharge, charge } from '../privacy/index.js';
import { standingOf } from '../reputation/index.js';
import { type Enrolled, enrolledCell, type Task, taskCell } from '../tasks/index.js';
import { type Answer, answerCodec } from './calls.js';
import { planOf } from './plan.js';
import { answeredCell, type Evaluation, evaluationCell, publishedAnswerCell, sumCell } from './state.js';

/** An answer's evaluation and its sender's place in it. */
interface Place {
  readonly evaluation: Evaluation;
  readonly task: Task;
  readonly enrolled: Enrolled;
}

/**
 * Adds a device's counts to the sum, and charges the ledger for every answer that the chain publishes: as with updates,
 * whatever becomes of it, since it is in a block; only the same counts again say nothing new.
 */
export function answer<C>(scope: CallScope<C>, args: Answer): Refusal | null {
  const { state, sender, level, block } = scope;
  const place = placeOf(state, sender, args.evaluation);
  if ('code' in place) return place;
  const { evaluation, enrolled } = place;
  const device = bytesToHex(sender);
  const refused =
    level === place.task.spec.level
      ? refusalOf(state, block.chainId, device, place, args)
      : refuse('wrong-level', 'the transaction must carry the level of the task');
  const overdrawn = chargeAnswer(scope, device, place, args);
  if (refused !== null || overdrawn !== null) return refused ?? overdrawn;
  sumCell.set(state, sumHistograms([sumCell.get(state, evaluation.id)!, args]), evaluation.id);
  answeredCell.set(state, block.height, evaluation.id, device);
  evaluationCell.set(state, { ...evaluation, answers: evaluation.answers + 1 }, evaluation.id);
  scope.emit('answer', { evaluation: evaluation.id, device: enrolled.device });
  return null;
}

/** What a node asks before it passes an answer on: would it be refused, or overdraw? Null: it would count. */
export function checkAnswer(
  state: StateReader,
  chainId: Uint8Array,
  sender: Uint8Array,
  args: Answer,
): Refusal | null {
  const place = placeOf(state, sender, args.evaluation);
  if ('code' in place) return place;
  const { enrolled, evaluation } = place;
  const device = bytesToHex(sender);
  const refused = refusalOf(state, chainId, device, place, args);
  const { sigma16 } = evaluation.spec;
  if (refused !== null || sigma16 === 0) return refused;
  if (canCharge(state, device, bytesToHex(enrolled.dataset), histogramRho(sigma16))) return null;
  return refuse('budget-exhausted', 'this answer would overdraw the dataset’s budget: it stays unpublished');
}

function placeOf(state: StateReader, sender: Uint8Array, id: number): Place | Refusal {
  const evaluation = evaluationCell.get(state, id);
  if (evaluation === null) return refuse('unknown-evaluation', `there is no evaluation ${id}`);
  const task = taskCell.get(state, evaluation.spec.task)!;
  const enrolled = enrolledCell.get(state, task.id)!.find(({ device }) => equalBytes(device, sender));
  if (enrolled === undefined)
    return refuse('not-enrolled', `this device is not enrolled for task ${task.id}`);
  return { evaluation, task, enrolled };
}

/** Its level and its charge aside. */
function refusalOf(
  state: StateReader,
  chainId: Uint8Array,
  device: string,
  { evaluation, task, enrolled }: Place,
  { negatives, positives }: Answer,
): Refusal | null {
  const { id, spec, status } = evaluation;
  if (status !== 'open') return refuse('not-open', `evaluation ${id} is ${status}`);
  if (standingOf(state, device).blacklisted) return refuse('blacklisted', 'this device was blacklisted');
  if (answeredCell.get(state, id, device) !== null)
    return refuse('already-answered', 'one answer a device and evaluation');
  if (negatives.length !== spec.bins || positives.length !== spec.bins)
    return refuse('wrong-bins', `an answer has ${spec.bins} counts of each label`);
  const rows = heldOutMax(enrolled.units, planOf(state, chainId, task)!.plan.heldOut16);
  if (isPlausibleHistogram({ negatives, positives }, rows, spec.sigma16)) return null;
  return refuse('implausible-counts', `no honest device with at most ${rows} held-out rows counts so`);
}

function chargeAnswer<C>(
  { kept }: CallScope<C>,
  device: string,
  { evaluation, enrolled }: Place,
  args: Answer,
): Refusal | null {
  const { id, spec } = evaluation;
  if (spec.sigma16 === 0) return null;
  const digest = sha256(encode(answerCodec, args));
  const last = publishedAnswerCell.get(kept, id, device);
  if (last !== null && equalBytes(last, digest)) return null;
  publishedAnswerCell.set(kept, digest, id, device);
  return charge(kept, device, bytesToHex(enrolled.dataset), histogramRho(spec.sigma16));
}
