import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decode, encode, readState } from '../../../../chain/index.js';
import { answerCodec, ledgerCell, plannedTask, type TaskSpec } from '../../../../contracts/index.js';
import { bytesToHex, hexToBytes } from '../../../../crypto/index.js';
import { calibrateSigma16, heldOutMax, histogramRho, roundRho, schemaHash } from '../../../../fl/index.js';
import { type Device, loadDevice } from '../../../../node/devices/device.js';
import { answerOpen, dealtBy } from '../../../../node/devices/evaluations.js';
import { dealRows } from '../../../../node/devices/heldOut.js';
import { payloadsFrom } from '../../../../node/devices/payloads.js';
import type { Sender } from '../../../../node/devices/sending.js';
import { writeKeystore } from '../../../../node/provision/index.js';
import { publish, startTestNode, type TestNode, taskSpec, updateOf, WAIT_MS } from '../rpc/fixture.js';

const quarter = 16_384;
const plan = { epsilonMicro: 16_000_000, deltaPico: 100_000_000 };
const sigma16 = calibrateSigma16({ ...plan, rounds: 4 });
const spec: TaskSpec = { ...taskSpec(2), devicesMax: 1, quorum: 1 };

let folder: string;
let test: TestNode;
let device: Device;
let sender: Sender;
const logged: [string, Record<string, unknown>][] = [];

/** The device's folder, with forty rows of twenty persons, and the key of the first device of the chain. */
async function deviceFolder(): Promise<Device> {
  const own = join(folder, 'device');
  mkdirSync(own);
  const { secret, publicKey } = test.devices[0]!;
  writeKeystore(own, { secrets: { sign: secret }, publicKey, vrfPublicKey: null });
  const number = { center: 0, scale: 1, min: -5, max: 5, source: 'a test' };
  const label = { name: 'y', positive: '1', negative: '0' };
  const features = [
    { name: 'a', ...number },
    { name: 'b', ...number },
  ];
  writeFileSync(join(own, 'schema.json'), JSON.stringify({ label, features }));
  const rows = Array.from({ length: 40 }, (_, i) => `${(i % 9) / 3},${(i % 5) / 2},${i % 2}`);
  writeFileSync(join(own, 'data.csv'), `a,b,y\n${rows.join('\n')}\n`);
  const budget = { epsilonMicro: 6_000_000, deltaPico: 100_000_000 };
  const config = { version: 1, name: 'd', data: 'data.csv', schema: 'schema.json', ...budget };
  writeFileSync(join(own, 'device.json'), JSON.stringify({ ...config, attack: null, attackFromRound: 1 }));
  return loadDevice(own);
}

async function call(who: { secret: Uint8Array }, contract: string, method: string, args: unknown, level = 1) {
  const wallet = test.wallet(who as never);
  const done = await wallet.wait(await wallet.send({ contract, method, level, args }), WAIT_MS);
  if (!done.ok) throw new Error(`${contract}.${method}: ${done.code}: ${done.detail}`);
  return done;
}

const open = (change: object = {}) =>
  call(test.publisher, 'evaluation', 'open', {
    spec: {
      task: 1,
      round: 1,
      unit: 'record',
      bins: 5,
      sigma16,
      quorum: 1,
      deadlineMs: 600_000,
      deadlineBlocks: 2,
      ...change,
    },
  });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'evaluations-'));
  test = await startTestNode();
  device = await deviceFolder();
  sender = {
    account: bytesToHex(device.publicKey),
    device,
    chainId: test.node.tip.chainId,
    clients: [test.client],
    wallets: [test.wallet(test.devices[0]!)],
    fetchPayload: payloadsFrom([test.client], new AbortController().signal),
    pool: { prepare: () => {}, train: () => Promise.reject(new Error('nothing is trained here')) },
    log: (_, event, fields) => void logged.push([event, { ...fields }]),
    signal: new AbortController().signal,
    caughtUp: async () => {},
  };
  const task = plannedTask(test.node.tip.chainId, spec);
  await call(test.publisher, 'evaluation', 'plan', { task, heldOut16: quarter, ...plan, testSet: null }, 0);
  expect(await publish(test, spec)).toBe(1);
  const { training } = await dealtBy(sender, 1);
  const { dataset } = device;
  const { epsilonMicro, deltaPico } = device.config;
  await call(
    test.devices[0]!,
    'privacy',
    'declare',
    { dataset, unit: 'record', epsilonMicro, deltaPico, order: null },
    0,
  );
  const terms = { task: 1, units: training.rows, dataset, schemaHash: schemaHash(spec.schema) };
  const { approval } = await test.client.call('enrolment.approve', {
    ...terms,
    device: bytesToHex(device.publicKey),
    dataset: bytesToHex(dataset),
    schemaHash: bytesToHex(terms.schemaHash),
  });
  await call(test.devices[0]!, 'tasks', 'apply', { ...terms, approval: hexToBytes(approval) });
  await test.client.call('task.current', { task: 1, afterRound: 0, waitMs: WAIT_MS });
  const wallet = test.wallet(test.devices[0]!);
  const update = { task: 1, round: 1 };
  const hash = await wallet.send({
    contract: 'training',
    method: 'update',
    level: 1,
    args: update,
    payloads: [updateOf(test, 1, 2)],
  });
  await wallet.wait(hash, WAIT_MS);
  await test.client.call('task.current', { task: 1, afterRound: 1, waitMs: WAIT_MS });
}, 60_000);

afterAll(async () => {
  await test?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function answerAll(): Promise<void> {
  const answering = new Map<number, Promise<void>>();
  await answerOpen(sender, 1, answering);
  await Promise.all(answering.values());
}

const chainSpent = () =>
  ledgerCell.get(readState(test.node.tip.state), bytesToHex(device.publicKey), bytesToHex(device.dataset))!
    .rhoSpent;

describe('dealRows', () => {
  it('keeps the planned share from training, the same rows in every life, others under another plan', async () => {
    const { training, heldOut } = await dealtBy(sender, 1);
    expect([training.rows, heldOut.rows]).toEqual([30, 10]);
    expect(heldOut.rows).toBeLessThanOrEqual(heldOutMax(training.rows, quarter));
    const again = await dealtBy(sender, 1);
    expect(again.heldOut).toEqual(heldOut);
    const other = dealRows(device, { id: new Uint8Array(32), share16: quarter });
    expect(other.heldOut.x).not.toEqual(heldOut.x);
    // What trains is what is not held out.
    const { x, y } = training.attacker.recordsOf(1);
    const values = (part: ArrayLike<number>) => Array.from(part);
    expect([...values(x), ...values(heldOut.x)].sort()).toEqual(values(device.records.x).sort());
    expect([y.length, heldOut.y.length]).toEqual([30, 10]);
  });

  it('keeps all rows of a person on one side, and counts those on either side from 0', () => {
    const persons = Int32Array.from({ length: 40 }, (_, row) => row >> 1);
    const known = { ...device, persons, records: { ...device.records, persons } };
    const { training, heldOut } = dealRows(known, { id: new Uint8Array(32), share16: quarter });
    for (const part of [training.persons!, heldOut.persons!])
      expect(Array.from(part)).toEqual(Array.from(part, (_, row) => row >> 1));
    expect([training.persons!.length, heldOut.persons!.length]).toEqual([30, 10]);
    expect(training.attacker.recordsOf(1).persons).toEqual(training.persons);
  });

  it('lets every row train without a plan', () => {
    const { training, heldOut } = dealRows(device, null);
    expect([training.rows, heldOut.rows]).toEqual([40, 0]);
  });
});

describe('a device and open evaluations', () => {
  it('counts its held-out rows once, charges itself first, and its answer is charged on chain', async () => {
    await open({ sigma16: sigma16 * 2, quorum: 1 });
    const before = chainSpent();
    await answerAll();
    const answer = decode(answerCodec, (await device.ledger.answer(1))!, 65_536);
    const rho = histogramRho(sigma16 * 2);
    expect(device.ledger.rhoSpent).toBe(rho);
    expect(chainSpent() - before).toBe(rho);
    const ended = await test.client.call('evaluation.get', { evaluation: 1, waitMs: WAIT_MS });
    expect(ended).toMatchObject({ status: 'closed', level: 1, spec: { bins: 5, round: 1 } });
    expect(ended.sum).toEqual({ negatives: answer.negatives, positives: answer.positives });
    expect(ended.answered).toMatchObject([{ device: bytesToHex(device.publicKey) }]);
    const total = [...answer.negatives, ...answer.positives].reduce((sum, count) => sum + count, 0);
    expect(Math.abs(total - 10)).toBeLessThan(8 * Math.sqrt(10) * ((2 * sigma16) / 65_536) + 1);
    // Nothing is open any more.
    expect(await test.client.call('evaluation.list', {})).toEqual([]);
    expect((await test.client.call('evaluation.list', { task: 1 })).map(({ id }) => id)).toEqual([1]);
    await answerAll();
    expect(device.ledger.rhoSpent).toBe(rho);
  });

  it('sends what an earlier life charged, and counts nothing anew', async () => {
    const rho = histogramRho(sigma16 * 2);
    const counts = { negatives: [1, 0, 2, 0, 0], positives: [0, 0, 0, -1, 3] };
    await device.ledger.chargeAnswer(2, rho, encode(answerCodec, { evaluation: 2, ...counts }));
    await open({ sigma16: sigma16 * 2 });
    const spent = device.ledger.rhoSpent;
    await answerAll();
    const ended = await test.client.call('evaluation.get', { evaluation: 2, waitMs: WAIT_MS });
    expect(ended.sum).toEqual(counts);
    expect(device.ledger.rhoSpent).toBe(spent);
  });

  it('lets nothing out that its own budget does not cover', async () => {
    // Dearer than the device's whole budget, within the plan's.
    const dear = calibrateSigma16({ epsilonMicro: 12_000_000, deltaPico: 100_000_000, rounds: 1 });
    await open({ sigma16: dear });
    const before = chainSpent();
    logged.length = 0;
    await answerAll();
    expect(logged).toContainEqual([
      'evaluation-left',
      expect.objectContaining({ evaluation: 3, code: 'budget-exhausted' }),
    ]);
    expect(chainSpent()).toBe(before);
    expect(await device.ledger.answer(3)).toBeNull();
    expect(chainSpent()).toBe(roundRho(spec.privacy.sigma16) + 2n * histogramRho(sigma16 * 2));
  });
});

describe('evaluation.plan', () => {
  it('tells what was planned, and null of a task without a plan', async () => {
    const found = await test.client.call('evaluation.plan', { task: 1 });
    expect(found).toMatchObject({ heldOut16: quarter, ...plan, testSet: null, claim: null });
    const other = await publish(test, { ...spec, title: 'unplanned' });
    expect(await test.client.call('evaluation.plan', { task: other })).toBeNull();
    await expect(test.client.call('evaluation.plan', { task: 99 })).rejects.toMatchObject({
      word: 'not-found',
    });
    await expect(test.client.call('evaluation.get', { evaluation: 99 })).rejects.toMatchObject({
      word: 'not-found',
    });
  });
});
