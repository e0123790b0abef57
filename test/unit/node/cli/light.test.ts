import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transactionId } from '../../../../chain/index.js';
import { closedRoundCell, modelCell } from '../../../../contracts/index.js';
import { bytesToHex } from '../../../../crypto/index.js';
import { exitCodes } from '../../../../node/cli/exitCodes.js';
import {
  createTestChain,
  dataset,
  playRound,
  startTask,
  type TestChain,
  taskSpec,
  updateCall,
} from '../../../support/chain.js';
import { lieOf, startProxy } from '../../../support/lyingProxy.js';
import { runProgram as run } from '../../../support/runProgram.js';
import { type ServedNode, serveNode } from '../../../support/servedNode.js';

let dir: string;
let genesis: string;
let test: TestChain;
let node: ServedNode;
let files = 0;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-light-cli-'));
  test = createTestChain();
  startTask(test, taskSpec());
  playRound(test);
  test.block([updateCall(test, test.devices[0]!, 1)]);
  test.block([updateCall(test, test.devices[1]!, 2)]);
  node = await serveNode(test);
  genesis = join(dir, 'genesis.json');
  writeFileSync(genesis, JSON.stringify(test.genesis));
}, 60_000);
afterAll(async () => {
  await node.close();
  rmSync(dir, { recursive: true, force: true });
});

const verify = (...args: string[]) =>
  run('light', 'verify', ...args, '--genesis', genesis, '--rpc', node.url);

/** Transactions of that method, in the order of the chain. */
const sent = (method: string) =>
  test.blocks
    .flatMap(({ block }) => block.transactions)
    .filter((transaction) => transaction.method === method);

describe('consilium light verify', () => {
  it('tells of an update: where it is, what became of it, its verdict', async () => {
    const [first] = sent('update');
    const { exit, out } = await verify('transaction', transactionId(first!));
    expect(exit).toBe('ok');
    expect(out).toContain(`Proved: transaction ${transactionId(first!)} is in block`);
    expect(out).toContain('training.update {"task":1,"round":1}');
    expect(out).toMatch(/outcome +taken/);
    expect(out).toMatch(/verdict +qualified; 6 points/);
    const json = JSON.parse((await verify('transaction', transactionId(first!), '--json')).out);
    expect(json).toMatchObject({
      kind: 'transaction',
      ok: true,
      update: { task: 1, round: 1, closed: true, verdict: { qualified: true } },
    });
  });

  it('tells of a refused one, and of one whose round is open', async () => {
    const late = sent('update').at(-2)!;
    expect((await verify('transaction', transactionId(late))).out).toMatch(
      /outcome +refused \(already-submitted\)/,
    );
    const open = sent('update').at(-1)!;
    expect((await verify('transaction', transactionId(open))).out).toMatch(/verdict +round 2 has not ended/);
  });

  it('tells a device’s budget, with the datasets that nodes name or that are given', async () => {
    const device = bytesToHex(test.devices[0]!.publicKey);
    const { out } = await verify('budget', device);
    expect(out).toContain(`Proved: device ${device} declared 1 datasets`);
    expect(out).toMatch(/ε [\d.]+ of 3 +δ 0.0001 +1 updates/);
    const named = JSON.parse(
      (await verify('budget', device, '--dataset', bytesToHex(dataset), '--json')).out,
    );
    expect(named).toMatchObject({
      kind: 'budget',
      complete: true,
      ledgers: [{ charges: 1, epsilonMicro: 3_000_000 }],
    });
    const other = await verify('budget', device, '--dataset', '0'.repeat(64));
    expect(other.out).toContain('1 of them are not listed');
  });

  it('tells the model of a round, and that a round has not ended', async () => {
    const { weights } = closedRoundCell.get(test.state, 1, 1)!;
    const { out } = await verify('model', '1', '1');
    expect(out).toContain('Proved: round 1 of task 1 ended as closed');
    expect(out).toContain(bytesToHex(weights.id));
    expect(weights).toEqual(modelCell.get(test.state, 1));
    expect((await verify('model', '1', '2')).out).toContain('Proved: round 2 of task 1 has not ended');
  });

  it('tells a key’s value, or that there is none', async () => {
    const { out } = await verify('key', 'tasks/count');
    expect(out).toMatch(/Proved: the state has tasks\/count/);
    expect(out).toMatch(/value +1\n/);
    expect((await verify('key', 'no/such/key')).out).toContain('Proved: the state has no no/such/key');
    const { params } = test.genesis;
    expect(JSON.parse((await verify('key', 'params', '--json')).out).entry.value).toEqual(params);
  });

  it.each([
    ['an update’s block', 'transaction', 'not-in-block', ['transaction', 'UPDATE']],
    ['an update’s verdict', 'state', 'not-in-state', ['transaction', 'UPDATE']],
    ['a ledger', 'state', 'not-in-state', ['budget', 'DEVICE', '--dataset', bytesToHex(dataset)]],
    ['a model', 'state', 'not-in-state', ['model', '1', '1']],
    ['a key', 'state', 'not-in-state', ['key', 'params']],
    ['the height of a state', 'earlierState', 'not-in-state', ['key', 'training/round/1']],
    ['a certificate', 'certificate', 'bad-signature', ['key', 'params']],
  ] as const)('refuses a node that lies about %s, and says which', async (_, lie, reason, args) => {
    const proxy = await startProxy(node.url);
    const device = bytesToHex(test.devices[0]!.publicKey);
    const words = { UPDATE: transactionId(sent('update')[0]!), DEVICE: device } as Record<string, string>;
    const given = args.map((arg) => words[arg] ?? arg);
    const ask = () => {
      const file = join(dir, `lied-${files++}.json`);
      return run('light', 'verify', ...given, '--genesis', genesis, '--rpc', proxy.url, '--file', file);
    };
    try {
      expect((await ask()).exit).toBe('ok');
      proxy.lieAbout(lieOf[lie]);
      const { exit, out, message } = await ask();
      expect([exit, out]).toEqual(['check-failed', '']);
      expect(message).toContain(reason);
      expect(message).toContain(proxy.url);
    } finally {
      await proxy.close();
    }
  });

  it('keeps what it proved beside the genesis, or where it is told', async () => {
    const file = join(dir, 'kept.json');
    await verify('key', 'params', '--file', file);
    expect(JSON.parse(readFileSync(file, 'utf8')).head.height).toBe(test.tip.height);
    expect(JSON.parse(readFileSync(join(dir, 'light.json'), 'utf8')).head.height).toBe(test.tip.height);
  });

  it('begins at a block that it is told, and refuses if nodes have another there', async () => {
    const at = test.tip.height - 2;
    const file = join(dir, 'trusted.json');
    const hash = bytesToHex(test.blocks[at - 1]!.hash);
    expect((await verify('key', 'params', '--trust', `${at}:${hash}`, '--file', file)).exit).toBe('ok');
    const wrong = await verify(
      'key',
      'params',
      '--trust',
      `${at}:${'0'.repeat(64)}`,
      '--file',
      join(dir, 'none.json'),
    );
    expect(wrong.exit).toBe('check-failed');
    expect(wrong.message).toContain('wrong-hash');
  });

  it('fails with an exit code of its own for what it is not asked rightly', async () => {
    expect((await verify('verdict', '1')).exit).toBe('usage');
    expect((await verify('transaction', 'abc')).exit).toBe('usage');
    expect((await verify('model', '1')).exit).toBe('usage');
    expect((await verify('model', '1', '0')).exit).toBe('usage');
    expect((await verify('key', 'a', '--trust', 'x')).exit).toBe('usage');
    expect((await verify('key', 'a', '--rpc', 'ftp://x')).exit).toBe('usage');
    expect((await verify('transaction', '0'.repeat(64))).exit).toBe('refused');
    const broken = join(dir, 'broken.json');
    writeFileSync(broken, 'no');
    expect((await verify('key', 'a', '--file', broken)).exit).toBe('bad-config');
    expect(exitCodes['check-failed']).toBe(1);
  });

  it('has help with examples', async () => {
    expect((await run('light', 'verify', '--help')).out).toMatch(/Examples?:\n {2}consilium light/);
  });
});

describe('consilium light follow', () => {
  it('tells the newest proved block', async () => {
    const followed = await run('light', 'follow', '--once', '--genesis', genesis, '--rpc', node.url);
    expect(followed.out).toContain(`${test.tip.height}  ${bytesToHex(test.tip.hash)}`);
    const file = join(dir, 'other.json');
    const json = await run(
      'light',
      'follow',
      '--once',
      '--genesis',
      genesis,
      '--rpc',
      node.url,
      '--file',
      file,
      '--json',
    );
    expect(JSON.parse(json.out)).toEqual({
      height: test.tip.height,
      hash: bytesToHex(test.tip.hash),
      time: test.tip.time,
    });
  });

  it('asks the next node when one does not answer, and says so', async () => {
    const urls = `http://127.0.0.1:9,${node.url}`;
    const { exit, out, notes } = await run('light', 'follow', '--once', '--genesis', genesis, '--rpc', urls);
    expect(exit).toBe('ok');
    expect(out).toContain(bytesToHex(test.tip.hash));
    expect(notes).toContain('http://127.0.0.1:9');
  });
});
