import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  decodeBlock,
  decodeCertificate,
  decodeTransaction,
  readState,
  transactionId,
} from '../../../../chain/index.js';
import { verifyCertificate } from '../../../../consensus/index.js';
import { modelCell, verifyEnrolment } from '../../../../contracts/index.js';
import { bytesToHex, hexToBytes } from '../../../../crypto/index.js';
import { decodeWeights, epsilonMicroOfRho, roundRho, schemaHash } from '../../../../fl/index.js';
import { parseGenesis, startChain } from '../../../../genesis/index.js';
import { base64ToBytes, type ParamsOf, taskSpecFromForm } from '../../../../node/rpc/index.js';
import { methods } from '../../../../node/rpc/methods/index.js';
import {
  DATASET,
  enrol,
  publish,
  startTestNode,
  type TestNode,
  taskSpec,
  updateOf,
  WAIT_MS,
} from './fixture.js';

const ROUNDS = 2;
const spec = taskSpec(ROUNDS);
const hex = (byte: number) => bytesToHex(new Uint8Array(32).fill(byte));

let test: TestNode;
let task: number;
/** Sizes of the updates of round 1, and the hashes of their transactions. */
const sizes: number[] = [];
const sent: string[] = [];

beforeAll(async () => {
  test = await startTestNode();
  task = await publish(test, spec);
  const wallets = test.devices.map((device) => test.wallet(device));
  for (const wallet of wallets) await enrol(test, wallet, task, spec);
  for (let round = 1; round <= ROUNDS; round += 1) {
    await test.client.call('task.current', { task, afterRound: round - 1, waitMs: WAIT_MS });
    for (const [i, wallet] of wallets.entries()) {
      const update = updateOf(test, task, 3 + i + round);
      const args = { task, round };
      const hash = await wallet.send({
        contract: 'training',
        method: 'update',
        level: 1,
        args,
        payloads: [update],
      });
      if (round === 1) {
        sizes.push(update.length);
        sent.push(hash);
      }
      expect(await wallet.wait(hash, WAIT_MS)).toMatchObject({ ok: true, code: null });
    }
  }
  await test.client.call('task.rounds', { task, from: ROUNDS, waitMs: WAIT_MS });
}, 60_000);

afterAll(async () => {
  await test.close();
  expect(test.bugs).toEqual([]);
});

describe('node and chain', () => {
  it('node.status tells who the node is and what it measures', async () => {
    const status = await test.client.call('node.status', {});
    const { tip } = test.node;
    expect(status).toMatchObject({
      name: 'hospital-1',
      publicKey: bytesToHex(test.validator.publicKey),
      chainId: bytesToHex(tip.chainId),
      height: tip.height,
      hash: bytesToHex(tip.hash),
      peers: 0,
      agreement: { height: tip.height + 1 },
    });
    expect(status.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(status.metrics.finalityCount).toBeGreaterThan(0);
  });

  it('chain.status names the head and its committee', async () => {
    const { tip } = test.node;
    expect(await test.client.call('chain.status', {})).toEqual({
      chainId: bytesToHex(tip.chainId),
      name: 'test',
      height: tip.height,
      hash: bytesToHex(tip.hash),
      time: tip.time,
      base: 0,
      committee: [bytesToHex(test.validator.publicKey)],
    });
  });

  it('chain.status waits for a head above a height, and answers when there is one', async () => {
    const { height } = test.node.tip;
    const waiting = test.client.call('chain.status', { afterHeight: height, waitMs: WAIT_MS });
    await test.wallet(test.devices[0]!).send({ contract: 'nothing', method: 'at-all', args: {} });
    expect((await waiting).height).toBe(height + 1);
  });

  it('chain.genesis gives the file from which the same chain starts', async () => {
    const { genesis } = await test.client.call('chain.genesis', {});
    const parsed = parseGenesis(genesis);
    expect(parsed.ok && startChain(parsed.genesis).chainId).toEqual(test.node.tip.chainId);
  });

  it('chain.block gives a block by height and by hash, with the fate of its transactions', async () => {
    const place = await test.client.call('tx.get', { hash: sent[0]! });
    if (place.status !== 'committed') throw new Error('not committed');
    const block = await test.client.call('chain.block', { height: place.height });
    expect(await test.client.call('chain.block', { hash: block.hash })).toEqual(block);
    const stored = test.context.store.block(place.height)!;
    expect(block).toMatchObject({
      hash: bytesToHex(stored.hash),
      height: place.height,
      level: 1,
      parent: bytesToHex(stored.block.header.parent),
      stateRoot: bytesToHex(stored.block.header.stateRoot),
      leader: bytesToHex(test.validator.publicKey),
      certificate: { period: 0, signers: 1 },
      empty: false,
    });
    expect(block.transactions[place.index]).toEqual({
      hash: sent[0],
      from: bytesToHex(test.devices[0]!.publicKey),
      contract: 'training',
      method: 'update',
      level: 1,
      nonce: 2,
      ok: true,
      code: null,
    });
  });

  it('chain.block says not-found above the head, at genesis and for an unknown hash', async () => {
    const { height } = test.node.tip;
    for (const params of [{ height: height + 1 }, { height: 0 }, { hash: hex(1) }]) {
      await expect(test.client.call('chain.block', params)).rejects.toMatchObject({ word: 'not-found' });
    }
    for (const params of [{}, { height: 1, hash: hex(1) }]) {
      await expect(test.client.call('chain.block', params)).rejects.toMatchObject({ word: 'invalid-params' });
    }
  });

  it('chain.export gives canonical blocks with certificates that verify, and says where to go on', async () => {
    const { height, chainId } = test.node.tip;
    const { blocks, next } = await test.client.call('chain.export', { from: 1, to: height + 5 });
    expect(next).toBe(null);
    expect(blocks.length).toBe(height);
    const committee = [test.validator.publicKey];
    for (const [i, entry] of blocks.entries()) {
      const certificate = decodeCertificate(base64ToBytes(entry.certificate)!);
      expect(decodeBlock(base64ToBytes(entry.block)!).header.height).toBe(i + 1);
      expect(verifyCertificate({ certificate, chainId, committee })).toEqual({ ok: true });
    }
    const part = await test.client.call('chain.export', { from: 2, to: 3 });
    expect(part).toEqual({ blocks: blocks.slice(1, 3), next: null });
    const above = await test.client.call('chain.export', { from: height + 1, to: height + 2 });
    expect(above).toEqual({ blocks: [], next: null });
    await expect(test.client.call('chain.export', { from: 3, to: 2 })).rejects.toMatchObject({
      path: 'from',
    });
  });
});

describe('accounts and transactions', () => {
  it('account.get tells role, nonce and reputation', async () => {
    const [device] = test.devices;
    const account = await test.client.call('account.get', { publicKey: bytesToHex(device!.publicKey) });
    expect(account).toMatchObject({ role: 'device', name: device!.name, hospital: 'hospital-1', level: 1 });
    // Declared, applied, sent two updates; each qualified update gained a point.
    expect(account.nonce).toBeGreaterThanOrEqual(4);
    expect(account.nextNonce).toBe(account.nonce);
    expect(account.reputation).toEqual({ points: 7, blacklisted: false });
    const others = [test.validator, test.publisher].map(({ publicKey }) =>
      test.client.call('account.get', { publicKey: bytesToHex(publicKey) }),
    );
    expect(await Promise.all(others)).toMatchObject([
      { role: 'validator', nonce: 0, seat: 'held', reputation: { points: 100, blacklisted: false } },
      { role: 'publisher', nonce: 1, seat: null, reputation: null },
    ]);
    const unknown = test.client.call('account.get', { publicKey: hex(1) });
    await expect(unknown).rejects.toMatchObject({ word: 'not-found', code: 1100 });
  });

  it('tx.get tells a contract’s refusal with its reason', async () => {
    const wallet = test.wallet(test.devices[0]!);
    const hash = await wallet.send({ contract: 'tasks', method: 'publish', level: 1, args: { spec } });
    expect(await wallet.wait(hash, WAIT_MS)).toMatchObject({
      status: 'committed',
      ok: false,
      code: 'not-a-publisher',
      events: [],
    });
  });

  it('tx.get gives the events in JSON form: bytes as hex', async () => {
    const device = bytesToHex(test.devices[0]!.publicKey);
    expect(await test.client.call('tx.get', { hash: sent[0]! })).toMatchObject({
      ok: true,
      events: [{ contract: 'training', kind: 'update', fields: { task, round: 1, device } }],
    });
  });

  it('tx.get says unknown of what nobody sent, and pending of what waits for a nonce', async () => {
    expect(await test.client.call('tx.get', { hash: hex(1) })).toEqual({ status: 'unknown' });
    const wallet = test.wallet(test.devices[1]!);
    const { nonce } = await test.client.call('account.get', { publicKey: bytesToHex(wallet.publicKey) });
    const ahead = wallet.sign({ contract: 'nothing', method: 'ahead', args: {} }, nonce + 1);
    expect(await test.client.call('tx.submit', ahead.submission)).toEqual({ hash: ahead.hash });
    expect(await test.client.call('tx.get', { hash: ahead.hash })).toEqual({ status: 'pending' });
    const now = wallet.sign({ contract: 'nothing', method: 'now', args: {} }, nonce);
    const committed = await test.client.submitAndWait(now.submission, WAIT_MS);
    expect(committed).toMatchObject({ ok: false, code: 'unknown-contract' });
    expect(await test.client.waitFor(ahead.hash, WAIT_MS)).toMatchObject({ code: 'unknown-contract' });
  });

  it('a wallet names a transaction by the chain’s hash', () => {
    const wallet = test.wallet(test.devices[0]!);
    const { hash, submission } = wallet.sign({ contract: 'a', method: 'b', args: { c: 1 } }, 7);
    const transaction = decodeTransaction(base64ToBytes(submission.transaction)!);
    expect(hash).toBe(transactionId(transaction));
    expect(transaction).toMatchObject({ nonce: 7, contract: 'a', method: 'b', args: { c: 1 }, level: 0 });
  });
});

describe('tasks', () => {
  it('task.list names tasks with the round that they have come to', async () => {
    expect(await test.client.call('task.list', {})).toEqual([
      {
        id: task,
        kind: 'training',
        title: 'a test',
        level: 1,
        status: 'done',
        round: ROUNDS,
        rounds: ROUNDS,
        reward: 0,
      },
    ]);
    expect(await test.client.call('task.list', { from: task + 1 })).toEqual([]);
  });

  it('task.get gives the specification, back and forth, and who is enrolled', async () => {
    const got = await test.client.call('task.get', { task });
    const publisher = bytesToHex(test.publisher.publicKey);
    expect(taskSpecFromForm(got.spec)).toEqual(spec);
    expect(got).toMatchObject({ id: task, status: 'done', publisher, round: null });
    expect(got.enrolled.map(({ name }) => name).sort()).toEqual(test.devices.map(({ name }) => name).sort());
    expect(got.enrolled[0]).toMatchObject({ units: 10, dataset: bytesToHex(DATASET) });
    const model = modelCell.get(readState(test.node.tip.state), task)!;
    expect(got.model).toEqual({ id: bytesToHex(model.id), size: model.size });
  });

  it('task.rounds gives verdicts, the model after each round, and what an update weighed', async () => {
    const rounds = await test.client.call('task.rounds', { task });
    expect(rounds).toMatchObject([
      { round: 1, status: 'closed' },
      { round: 2, status: 'closed' },
    ]);
    const [first] = rounds;
    const names = first!.verdicts.map(({ name }) => name);
    expect(names.sort()).toEqual(test.devices.map(({ name }) => name).sort());
    expect(first!.verdicts[0]).toMatchObject({
      qualified: true,
      reason: null,
      points: 6,
      blacklisted: false,
    });
    expect(first!.updates).toBe(2);
    expect(first!.updateBytes).toBe(Math.round((sizes[0]! + sizes[1]!) / 2));
    expect(await test.client.call('task.rounds', { task, from: 2 })).toEqual(rounds.slice(1));
    // An ended task is not waited for.
    expect(await test.client.call('task.rounds', { task, from: 3, waitMs: WAIT_MS })).toEqual([]);
  });

  it('task.current tells that a task has ended, without waiting', async () => {
    const { model: weights } = await test.client.call('task.get', { task });
    const current = await test.client.call('task.current', { task, afterRound: ROUNDS, waitMs: WAIT_MS });
    expect(current).toEqual({ status: 'done', round: null, weights, optimizer: null, clip16: null });
  });

  it('model.get gives the weights after a round, and the newest', async () => {
    const newest = await test.client.call('model.get', { task });
    expect(await test.client.call('model.get', { task, round: ROUNDS })).toEqual(newest);
    expect((await test.client.call('model.get', { task, round: 1 })).id).not.toBe(newest.id);
    expect(newest.spec).toEqual(spec.model);
    const weights = decodeWeights(base64ToBytes(newest.bytes)!, 3)!;
    expect([...weights].every((weight) => weight !== 0)).toBe(true);
    expect((await test.client.call('payload.get', { id: newest.id })).bytes).toBe(newest.bytes);
    await expect(test.client.call('model.get', { task, round: 3 })).rejects.toMatchObject({
      word: 'not-found',
    });
  });

  it('privacy.ledger shows what was spent, in ρ and in ε', async () => {
    const device = bytesToHex(test.devices[0]!.publicKey);
    const ledger = await test.client.call('privacy.ledger', { device, dataset: bytesToHex(DATASET) });
    const spent = BigInt(ROUNDS) * roundRho(spec.privacy.sigma16);
    expect(ledger).toMatchObject({
      unit: 'record',
      epsilonMicro: 3_000_000,
      deltaPico: 100_000_000,
      rhoSpent: spent.toString(),
      epsilonSpentMicro: epsilonMicroOfRho(spent, 100_000_000),
      charges: ROUNDS,
    });
    expect(ledger.epsilonSpentMicro).toBeGreaterThan(2_900_000);
    expect(ledger.epsilonSpentMicro).toBeLessThanOrEqual(3_000_000);
    const unknown = test.client.call('privacy.ledger', { device, dataset: hex(1) });
    await expect(unknown).rejects.toMatchObject({ word: 'not-found' });
  });

  it('enrolment.approve signs for own devices and the task’s schema alone', async () => {
    const dataset = new Uint8Array(32).fill(3);
    const terms = {
      task,
      device: test.devices[0]!.publicKey,
      units: 5,
      dataset,
      schemaHash: schemaHash(spec.schema),
    };
    const params = {
      task,
      device: bytesToHex(terms.device),
      units: 5,
      dataset: bytesToHex(dataset),
      schemaHash: bytesToHex(terms.schemaHash),
    };
    const { approval } = await test.client.call('enrolment.approve', params);
    const { chainId } = test.node.tip;
    expect(verifyEnrolment(chainId, terms, test.validator.publicKey, hexToBytes(approval))).toBe(true);
    const refused: [Partial<ParamsOf<'enrolment.approve'>>, string][] = [
      [{ device: bytesToHex(test.stranger.publicKey) }, 'not-allowed'],
      [{ device: bytesToHex(test.validator.publicKey) }, 'not-allowed'],
      [{ device: hex(1) }, 'not-allowed'],
      [{ schemaHash: hex(1) }, 'refused'],
      [{ task: task + 1 }, 'not-found'],
      [{ units: 10_001 }, 'invalid-params'],
    ];
    for (const [change, word] of refused) {
      const call = test.client.call('enrolment.approve', { ...params, ...change });
      await expect(call).rejects.toMatchObject({ word });
    }
  });

  it('every method that names a task says not-found for one that does not exist', async () => {
    for (const method of ['task.get', 'task.rounds', 'task.current', 'model.get'] as const) {
      await expect(test.client.call(method, { task: 99 })).rejects.toMatchObject({ word: 'not-found' });
    }
    await expect(test.client.call('payload.get', { id: hex(1) })).rejects.toMatchObject({
      word: 'not-found',
    });
  });
});

describe('rpc.discover', () => {
  it('describes every method with the schemas of its parameters and its result', async () => {
    const document = await test.client.call('rpc.discover', {});
    const described = document.methods as { name: string; params: { name: string; required: boolean }[] }[];
    const names = Object.keys(methods).filter((name) => name !== 'rpc.discover');
    expect(document.openrpc).toBe('1.3.2');
    expect(described.map(({ name }) => name)).toEqual(names);
    const submit = described.find(({ name }) => name === 'tx.submit')!;
    expect(submit.params.map(({ name, required }) => [name, required])).toEqual([
      ['transaction', true],
      ['payloads', false],
    ]);
  });
});
