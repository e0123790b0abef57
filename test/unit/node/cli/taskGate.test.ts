import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesToHex, sealKeystore } from '../../../../crypto/index.js';
import { formatGate } from '../../../../node/cli/commands/taskGate.js';
import { type Person, PUBLISHER_BALANCE } from '../../../support/genesis.js';
import { runProgram as run } from '../../../support/runProgram.js';
import { startTestNode, type TestNode } from '../rpc/fixture.js';

const content = { title: 'Retinopathy in Ward 7', description: 'Patients of Dr. Okonkwo, seen in spring.' };

let dir: string;
let node: TestNode;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-gate-cli-'));
  node = await startTestNode();
  const salt = { salt: new Uint8Array(16), nonce: new Uint8Array(12) };
  const [one, two] = node.devices as [Person, Person];
  const people = { publisher: node.publisher, one, two, stranger: node.stranger };
  for (const [name, { secret }] of Object.entries(people)) {
    const keystore = sealKeystore({ password: name, ...salt, secrets: { sign: secret } });
    writeFileSync(at(`${name}.json`), JSON.stringify(keystore));
    writeFileSync(at(`${name}.password`), name);
  }
  writeFileSync(at('content.json'), JSON.stringify(content));
}, 60_000);
afterAll(async () => {
  await node.close();
  rmSync(dir, { recursive: true, force: true });
});

const at = (name: string): string => join(dir, name);
const as = (who: string) => ['--keystore', at(`${who}.json`), '--password-file', at(`${who}.password`)];
const run1 = (...args: string[]) => run(...args, '--node', node.server.url, '--json');
const keyOf = ({ publicKey }: Person): string => bytesToHex(publicKey);

async function taken(...args: string[]) {
  const { exit, out } = await run1(...args);
  expect([args[1], exit]).toEqual([args[1], 'ok']);
  return JSON.parse(out);
}

async function refusal(...args: string[]): Promise<string> {
  const { exit, message } = await run1(...args);
  expect([args[1], exit]).toEqual([args[1], 'refused']);
  return message;
}

describe('a content task by the command line', () => {
  it('is published, applied for, opened by whom the publisher admits, completed and paid', async () => {
    const [one, two] = node.devices as [Person, Person];
    const publish = ['task', 'publish-content', at('content.json'), '--level', '1', '--places', '2'];
    const { task } = await taken(...publish, '--reward', '101', '--key', at('own.json'), ...as('publisher'));
    const number = String(task);
    expect(await taken('account', 'balance', ...as('publisher'))).toMatchObject({
      balance: PUBLISHER_BALANCE - 101,
    });
    const apply = (who: string, name: string) =>
      ['task', 'apply', number, '--key', at(name), ...as(who)] as const;
    await taken(...apply('one', 'one-reads.json'));
    await taken(...apply('two', 'two-reads.json'));
    expect(await refusal(...apply('one', 'again.json'))).toContain('already-applied');
    // The node itself passes on nothing of another level.
    expect(await refusal(...apply('stranger', 'stranger-reads.json'))).toContain('level');

    const open = (name: string) => ['task', 'open', number, '--key', at(name)] as const;
    expect(await refusal(...open('one-reads.json'))).toContain('does not open');
    const admit = ['task', 'admit', number, '--key', at('own.json'), ...as('publisher')];
    expect(await taken(...admit, '--provider', keyOf(one))).toMatchObject({
      admitted: [{ provider: keyOf(one) }],
    });
    expect(await taken(...open('one-reads.json'))).toEqual(content);
    expect(await taken(...open('own.json'))).toEqual(content);
    expect(await refusal(...open('two-reads.json'))).toContain('does not open');
    await taken('task', 'refuse', number, '--provider', keyOf(two), '--reason', 'enough', ...as('publisher'));
    expect(await refusal(...admit, '--all')).toContain('nobody');

    const gate = await taken('task', 'show', number);
    expect(gate.applicants).toMatchObject([
      { provider: keyOf(one), status: 'admitted', reason: null },
      { provider: keyOf(two), status: 'refused', reason: 'enough' },
    ]);
    expect(formatGate(gate)).toContain('Applicants:');
    await taken('task', 'complete', number, '--provider', keyOf(one), ...as('publisher'));
    expect(await taken('task', 'show', number)).toMatchObject({
      status: 'done',
      paid: { returned: 51, payments: [{ account: keyOf(one), amount: 50 }] },
    });
    expect((await taken('task', 'list')).at(-1)).toMatchObject({ id: task, kind: 'content', status: 'done' });
    await taken('account', 'transfer', keyOf(two), '20', ...as('one'));
    expect(await taken('account', 'balance', keyOf(two))).toMatchObject({ balance: 20 });
    expect(await refusal('account', 'transfer', keyOf(two), '31', ...as('one'))).toContain('no-balance');
  }, 90_000);

  it('is withdrawn', async () => {
    const publish = [
      'task',
      'publish-content',
      at('content.json'),
      '--level',
      '1',
      '--key',
      at('other.json'),
    ];
    const { task } = await taken(...publish, ...as('publisher'));
    await taken('task', 'withdraw', String(task), ...as('publisher'));
    expect(await taken('task', 'show', String(task))).toMatchObject({ status: 'withdrawn', paid: null });
  }, 60_000);

  it('says what is wrong with the command', async () => {
    const usage = [
      ['task', 'admit', '1', '--key', at('own.json'), ...as('publisher')],
      ['task', 'refuse', '1', '--provider', 'ff', ...as('publisher')],
      ['task', 'refuse', '1', '--provider', keyOf(node.stranger), '--reason', 'whatever', ...as('publisher')],
      ['account', 'transfer', keyOf(node.stranger), '0', ...as('one')],
      ['account', 'balance'],
    ];
    for (const args of usage) expect([args, (await run1(...args)).exit]).toEqual([args, 'usage']);
    writeFileSync(at('long.json'), JSON.stringify({ title: 't', description: 'ß'.repeat(8_001) }));
    writeFileSync(at('large.json'), JSON.stringify({ title: '\u0001', description: '\u0001'.repeat(8_000) }));
    for (const file of ['long.json', 'large.json']) {
      const args = ['task', 'publish-content', at(file), '--level', '1', '--key', at('no.json')];
      expect((await run1(...args, ...as('publisher'))).exit).toBe('bad-config');
    }
  }, 60_000);
});
