import { bytesToHex, hexToBytes } from '../../crypto/index.js';
import {
  commonControl,
  countSigmaOf,
  createGrid,
  decodeOptimizer,
  decodeUpdate,
  decodeWeights,
  type GridParams,
  type LocalPlace,
  ledgerCost,
  ledgerOrderFor,
  localSteps,
  ownControl,
  parameterCount,
  RATE_ALL,
  roundGrid,
  schemaHash,
  unitsIn,
  WEIGHT_ONE,
} from '../../fl/index.js';
import { type Client, createWallet, type ResultOf, RpcError, type TaskSpecForm } from '../rpc/index.js';
import type { AttackerRecords } from './attacker.js';
import type { Device } from './device.js';
import { DeviceError } from './error.js';
import { answerOpen, dealtBy } from './evaluations.js';
import { pause } from './pause.js';
import { type AgentOptions, type Sender, send } from './sending.js';

const POLL_MS = 5_000;
const RETRY_MS = 500;

/**
 * One device at work until the signal: enrols for tasks of its level that fit its data, trains each round from
 * the model of the last, charges its ledger, submits. Failures are logged and tried again; what cannot be
 * mended (an exhausted budget, other data than the task's) ends its part in that task. Answers open evaluations beside.
 */
export async function runDevice(options: AgentOptions): Promise<void> {
  const { device, clients, chainId, signal, log } = options;
  const wallets = clients.map((client) => createWallet({ client, chainId, secret: device.secret }));
  const running = new Map<number, Promise<void>>();
  const answering = new Map<number, Promise<void>>();
  /** Running tasks of another level in which this device has no part. */
  const foreign = new Set<number>();
  while (!signal.aborted) {
    try {
      const client = clients[0]!;
      const key = { publicKey: bytesToHex(device.publicKey) };
      const { account, level, status } = await client.call('account.get', key, { signal });
      for (const task of status === 'active' ? await client.call('task.list', {}, { signal }) : []) {
        if (running.has(task.id) || foreign.has(task.id)) continue;
        if (task.status !== 'enrolling' && task.status !== 'running') continue;
        const part = { ...options, wallets, account, task: task.id };
        // Of a level that the device had when it enrolled: it goes on with that task.
        const fits = task.level === level || (task.status === 'running' && (await isEnrolled(part)));
        if (fits) running.set(task.id, takePart(part));
        else if (task.status === 'running') foreign.add(task.id);
      }
      await answerOpen({ ...options, wallets, account }, level, answering);
      await nextBlock(options);
    } catch (error) {
      if (!signal.aborted) log('warn', 'device-waits', { device: device.name, error: String(error) });
      const isUnknown = error instanceof RpcError && error.word === 'not-found';
      await pause(isUnknown ? POLL_MS : RETRY_MS, signal);
    }
  }
  await Promise.all([...running.values(), ...answering.values()]);
}

async function nextBlock({ clients, signal }: AgentOptions): Promise<void> {
  const { height } = await clients[0]!.call('chain.status', {}, { signal });
  await clients[0]!.call('chain.status', { afterHeight: height, waitMs: POLL_MS }, { signal });
}

async function isEnrolled({ clients, task, account, signal }: Part): Promise<boolean> {
  const { enrolled } = await clients[0]!.call('task.get', { task }, { signal });
  return enrolled.some((entry) => entry.device === account);
}

interface Part extends Sender {
  readonly task: number;
}

async function takePart(part: Part): Promise<void> {
  const { device, task, account, signal, log } = part;
  while (!signal.aborted) {
    try {
      const found = await part.clients[0]!.call('task.get', { task }, { signal });
      if (isOver(found.status)) return;
      if (bytesToHex(schemaHash(found.spec.schema)) !== bytesToHex(schemaHash(device.schema))) {
        log('info', 'task-unfit', { device: device.name, task, reason: 'its data schema is another one' });
        return;
      }
      const enrolled = found.enrolled.some((entry) => entry.device === account);
      if (!enrolled && found.status === 'running') return;
      part.pool.prepare(); // ready by the time that the first round opens
      const own = { ...part, device: (await dealtBy(part, task)).training };
      if (!enrolled) await enrol(own, found.spec);
      return await trainRounds(own, found.spec);
    } catch (error) {
      if (error instanceof DeviceError) {
        log('warn', 'device-stops', { device: device.name, task, code: error.code, detail: error.message });
        return;
      }
      if (!signal.aborted) log('warn', 'device-retries', { device: device.name, task, error: String(error) });
      await pause(RETRY_MS, signal);
    }
  }
}

function isOver(status: ResultOf<'task.get'>['status']): boolean {
  return status === 'done' || status === 'failed' || status === 'withdrawn';
}

async function enrol(part: Part, spec: TaskSpecForm): Promise<void> {
  const { device, task, account: id, clients, signal } = part;
  const { dataset } = device;
  const { epsilonMicro, deltaPico } = device.config;
  if (spec.privacy.sigma16 !== 0 && epsilonMicro === 0) {
    throw new DeviceError('budget-exhausted', 'this device declares no budget, and the task needs one');
  }
  if (spec.privacy.sigma16 !== 0 && !(await hasLedger(clients[0]!, id, bytesToHex(dataset), signal))) {
    const order = ledgerOrderFor({ epsilonMicro, deltaPico }, spec);
    const args = { dataset, unit: spec.privacy.unit, epsilonMicro, deltaPico, order };
    await send(part, { contract: 'privacy', method: 'declare', level: 0, args });
  }
  const terms = { task, units: unitsOf(device, spec), dataset, schemaHash: schemaHash(device.schema) };
  const { approval } = await clients[0]!.call(
    'enrolment.approve',
    { ...terms, device: id, dataset: bytesToHex(dataset), schemaHash: bytesToHex(terms.schemaHash) },
    { signal },
  );
  const args = { ...terms, approval: hexToBytes(approval) };
  await send(part, { contract: 'tasks', method: 'apply', level: spec.level, args });
}

/** N_k, fixed for the task. */
function unitsOf({ rows, persons }: Device, { privacy }: TaskSpecForm): number {
  const units = unitsIn(privacy.unit, rows, persons);
  if (units === null)
    throw new DeviceError('bad-data', 'the task protects patients, and the data do not say whose a row is');
  return units;
}

async function hasLedger(
  client: Client,
  device: string,
  dataset: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await client.call('privacy.ledger', { device, dataset }, { signal });
    return true;
  } catch (error) {
    if (error instanceof RpcError && error.word === 'not-found') return false;
    throw error;
  }
}

async function trainRounds(part: Part, spec: TaskSpecForm): Promise<void> {
  const { task, clients, caughtUp, signal } = part;
  let sent: { readonly round: number; readonly hash: string | null } = { round: 0, hash: null };
  while (!signal.aborted) {
    await caughtUp(signal);
    const waiting = { task, afterRound: sent.round, waitMs: POLL_MS };
    const current = await clients[0]!.call('task.current', waiting, { signal });
    const { status, round, weights, optimizer, clip16 } = current;
    if (isOver(status)) return;
    if (round === null || weights === null || clip16 === null || round < sent.round) continue;
    // Still open: the update is in a block, or waits for one, or was lost on the way and goes again.
    if (round === sent.round && (sent.hash === null || !(await isLost(part, sent.hash)))) continue;
    if (!(await mayTakePart(part))) {
      await nextBlock(part);
      continue;
    }
    const start = { weightsId: weights.id, optimizerId: optimizer?.id ?? null, clip16 };
    sent = { round, hash: await sendUpdate(part, spec, round, start) };
  }
}

async function isLost({ clients, signal }: Part, hash: string): Promise<boolean> {
  return (await clients[0]!.call('tx.get', { hash }, { signal })).status === 'unknown';
}

/** What a round starts from: ids of payloads that the chain names, and its threshold. */
interface RoundStart {
  readonly weightsId: string;
  readonly optimizerId: string | null;
  /** C_t in 2^-16. The noise is measured against it, so a node that lies about it gets an update of no use. */
  readonly clip16: number;
}

/** Sends this round's update, the same bytes each time. Null: there is nothing to send (any more). */
async function sendUpdate(
  part: Part,
  spec: TaskSpecForm,
  round: number,
  start: RoundStart,
): Promise<string | null> {
  const { device, task, log } = part;
  if (round < device.ledger.lastRound(task)) return null;
  const update = (await device.ledger.update(task, round)) ?? (await trainUpdate(part, spec, round, start));
  const call = { contract: 'training', method: 'update', level: spec.level, args: { task, round } };
  try {
    return await send(part, { ...call, payloads: [update] }, false);
  } catch (error) {
    // Of an earlier life, and in a block already; or something that sending it again does not mend.
    if (!(error instanceof RpcError) || error.word !== 'refused') throw error;
    log('info', 'update-refused', { device: device.name, task, round, reason: error.detail });
    return null;
  }
}

/** A blacklisted device's updates are refused: it would spend its budget on nothing. A suspended one waits. */
async function mayTakePart({ account, clients, signal }: Part): Promise<boolean> {
  const found = await clients[0]!.call('account.get', { publicKey: account }, { signal });
  if (found.reputation?.blacklisted) {
    throw new DeviceError('blacklisted', 'this device was blacklisted; its hospital may appeal');
  }
  return found.status === 'active';
}

/** Trains one round and puts its charge on disk: from here on this round has only these bytes. */
async function trainUpdate(
  part: Part,
  spec: TaskSpecForm,
  round: number,
  { weightsId, optimizerId, clip16 }: RoundStart,
): Promise<Uint8Array> {
  const { device, task, pool } = part;
  const payload = await part.fetchPayload(weightsId);
  const dimension = parameterCount(spec.model);
  const weights = decodeWeights(payload, dimension);
  if (weights === null) throw new Error('the weights do not fit the model');
  const params = gridParams(spec, clip16);
  const grid = createGrid(params);
  const { weights16 } = spec.schema.label;
  const job = {
    model: spec.model,
    weights,
    grid,
    whole: spec.privacy.unit === 'device',
    ...(weights16.length > 0 && { classWeights: weights16.map((weight16) => weight16 / WEIGHT_ONE) }),
    ...((spec.local.step !== 'fedsgd' || spec.local.rate32 !== RATE_ALL) && {
      local: { work: spec.local, control: await controlOf(part, spec, optimizerId) },
    }),
  };
  const { unit } = spec.privacy;
  const train = async ({ x, y, persons }: AttackerRecords) =>
    (await pool.train({ ...job, x, y, ...(unit === 'patient' && { persons: persons! }) })).update;
  const own = await train(device.attacker.recordsOf(round));
  const travels = roundGrid(params, spec.local);
  const setting = { grid: travels, devices: spec.devicesMax, unit, train };
  const update = await device.attacker.updateOf(round, own, setting);
  await device.ledger.charge(task, round, await costOf(part, spec), update);
  return update;
}

/** What its ledger on chain is charged for an update: what the own file counts too. */
async function costOf({ device, clients, signal }: Part, spec: TaskSpecForm): Promise<bigint> {
  if (spec.privacy.sigma16 === 0) return 0n;
  const [id, dataset] = [bytesToHex(device.publicKey), bytesToHex(device.dataset)];
  const ledger = await clients[0]!.call('privacy.ledger', { device: id, dataset }, { signal });
  const cost = ledgerCost(ledger, spec);
  if (cost !== null && BigInt(ledger.rhoSpent) + cost > BigInt(ledger.rhoCap))
    throw new DeviceError('budget-exhausted', 'one more round would overdraw the budget of this dataset');
  if (cost === null) throw new DeviceError('refused', 'the ledger of this dataset cannot count this task');
  return cost;
}

/** What the grid of a round with this threshold follows from. */
function gridParams({ model, privacy, clipping }: TaskSpecForm, clip16: number): GridParams {
  const countSigma16 = countSigmaOf(clipping);
  return { dimension: parameterCount(model), clip16, sigma16: privacy.sigma16, countSigma16 };
}

/** SCAFFOLD's control variates: everybody's from the last aggregate, the own from the last update that was sent. */
async function controlOf(
  part: Part,
  spec: TaskSpecForm,
  optimizerId: string | null,
): Promise<LocalPlace['control']> {
  const { device, task, clients, signal } = part;
  if (!localSteps[spec.local.step].controlled || optimizerId === null) return null;
  const dimension = parameterCount(spec.model);
  const { direction } = decodeOptimizer(await part.fetchPayload(optimizerId), dimension);
  const round = device.ledger.lastRound(task);
  const last = await device.ledger.update(task, round);
  if (direction === null || last === null) return null;
  const [closed] = await clients[0]!.call('task.rounds', { task, from: round }, { signal });
  if (closed?.round !== round) return null;
  const grid = roundGrid(gridParams(spec, closed.clip16), spec.local);
  const unpacked = decodeUpdate(last, grid);
  if (!unpacked.ok) return null;
  return {
    own: ownControl(unpacked.wire, unitsOf(device, spec), grid, spec.local),
    all: commonControl(direction, spec.local),
  };
}
