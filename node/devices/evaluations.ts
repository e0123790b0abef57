import { randomBytes } from 'node:crypto';
import { decode, encode } from '../../chain/index.js';
import { answerCodec } from '../../contracts/index.js';
import { hexToBytes } from '../../crypto/index.js';
import { decodeWeights, histogramRho, logitsOf, noisedHistogram, parameterCount } from '../../fl/index.js';
import type { ResultOf } from '../rpc/index.js';
import { DeviceError } from './error.js';
import { dealRows } from './heldOut.js';
import { pause } from './pause.js';
import { type Sender, send } from './sending.js';

const RETRY_MS = 500;
const ANSWER_BYTES_MAX = 65_536;

type EvaluationForm = ResultOf<'evaluation.list'>[number];

/** How a device's rows are dealt for a task, by the plan that the chain has of it. */
export async function dealtBy({ device, clients, signal }: Sender, task: number) {
  const plan = await clients[0]!.call('evaluation.plan', { task }, { signal });
  return dealRows(device, plan === null ? null : { id: hexToBytes(plan.id), share16: plan.heldOut16 });
}

/** Sets to work on the evaluations that are open at the device's level and not in `answering` yet. */
export async function answerOpen(
  sender: Sender,
  level: number,
  answering: Map<number, Promise<void>>,
): Promise<void> {
  const open = await sender.clients[0]!.call('evaluation.list', {}, { signal: sender.signal });
  for (const evaluation of open)
    if (evaluation.level === level && !answering.has(evaluation.id))
      answering.set(evaluation.id, answerOne(sender, evaluation));
}

/** Answers one evaluation, with the same bytes until a block has them. Failures are logged and tried again. */
async function answerOne(sender: Sender, { id, level, spec }: EvaluationForm): Promise<void> {
  const { device, account: self, clients, log, signal, caughtUp } = sender;
  while (!signal.aborted) {
    try {
      await caughtUp(signal);
      const { enrolled } = await clients[0]!.call('task.get', { task: spec.task }, { signal });
      if (!enrolled.some((entry) => entry.device === self)) return;
      const now = await clients[0]!.call('evaluation.get', { evaluation: id }, { signal });
      if (now.status !== 'open' || now.answered.some((entry) => entry.device === self)) return;
      const bytes = (await device.ledger.answer(id)) ?? (await count(sender, now));
      if (bytes === null) return;
      const args = decode(answerCodec, bytes, ANSWER_BYTES_MAX);
      await send(sender, { contract: 'evaluation', method: 'answer', level, args });
      log('info', 'evaluation-answered', { device: device.name, evaluation: id });
      return;
    } catch (error) {
      if (error instanceof DeviceError) {
        const { code, message } = error;
        log('warn', 'evaluation-left', { device: device.name, evaluation: id, code, detail: message });
        return;
      }
      if (!signal.aborted)
        log('warn', 'evaluation-retries', { device: device.name, evaluation: id, error: String(error) });
      await pause(RETRY_MS, signal);
    }
  }
}

/**
 * Counts the held-out rows by label and score, with noise, and puts the charge on disk: from here on this evaluation has
 * only these counts. Null: no rows were held out, and noise alone is not worth its price.
 */
async function count(sender: Sender, { id, spec, weights }: EvaluationForm): Promise<Uint8Array | null> {
  const { device, clients, log, signal } = sender;
  const { heldOut } = await dealtBy(sender, spec.task);
  if (heldOut.rows === 0) {
    log('info', 'evaluation-left', { device: device.name, evaluation: id, code: 'no-held-out-rows' });
    return null;
  }
  const { spec: task } = await clients[0]!.call('task.get', { task: spec.task }, { signal });
  const model = decodeWeights(await sender.fetchPayload(weights.id), parameterCount(task.model));
  if (model === null) throw new Error('the weights do not fit the model');
  const probabilities = logitsOf(task.model, model, heldOut.x).map((logit) => 1 / (1 + Math.exp(-logit)));
  const random = (length: number) => new Uint8Array(randomBytes(length));
  const histogram = noisedHistogram(probabilities, heldOut.y, spec, random);
  const bytes = encode(answerCodec, { evaluation: id, ...histogram });
  await device.ledger.chargeAnswer(id, histogramRho(spec.sigma16), bytes);
  return bytes;
}
