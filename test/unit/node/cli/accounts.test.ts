import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesToHex, publicKeyOf, sealKeystore } from '../../../../crypto/index.js';
import { datasetSalt } from '../../../../node/devices/datasetSalt.js';
import { readKeystore } from '../../../../node/provision/index.js';
import { anchorCall } from '../../../support/accounts.js';
import { runProgram as run } from '../../../support/runProgram.js';
import { startTestNode, type TestNode } from '../rpc/fixture.js';

const PASSWORD = 'a password';
let dir: string;
let node: TestNode;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-accounts-cli-'));
  node = await startTestNode();
  for (const [name, { secret }] of [
    ['hospital', node.validator],
    ['publisher', node.publisher],
  ] as const) {
    const fixed = { password: PASSWORD, salt: new Uint8Array(16), nonce: new Uint8Array(12) };
    writeFileSync(at(`${name}.json`), JSON.stringify(sealKeystore({ ...fixed, secrets: { sign: secret } })));
  }
  writeFileSync(at('password'), PASSWORD);
}, 30_000);
afterAll(async () => {
  await node.close();
  rmSync(dir, { recursive: true, force: true });
});

const at = (name: string): string => join(dir, name);
const asked = (...args: string[]) => run(...args, '--node', node.server.url, '--json');
const signed = (...args: string[]) => asked(...args, '--keystore', at('hospital.json'));
const told = async (answer: ReturnType<typeof run>): Promise<Record<string, unknown>> => {
  const { exit, out, notes } = await answer;
  expect([exit, notes]).toEqual(['ok', '']);
  return JSON.parse(out) as Record<string, unknown>;
};
const secretIn = (folder: string) =>
  readKeystore(at(`${folder}/keystore.json`), at(`${folder}/password`)).sign!;
const keyIn = (folder: string) => bytesToHex(publicKeyOf(secretIn(folder)));
const sends = async (folder: string): Promise<string | null> => {
  const sign = secretIn(folder);
  const from = { name: folder, secret: sign, publicKey: publicKeyOf(sign), vrfSecret: sign };
  const { contract, method, args } = anchorCall(from);
  const wallet = node.wallet(from);
  try {
    return (await wallet.wait(await wallet.send({ contract, method, args }), 10_000)).code;
  } catch (error) {
    return (error as { word: string }).word;
  }
};

describe('accounts at the command line', () => {
  it('are admitted, suspended, reinstated, moved to other levels and keys', async () => {
    for (const name of ['ward', 'spare']) await told(run('keys', 'new', at(name), '--json'));
    const id = keyIn('ward');
    expect(await sends('ward')).toBe('not-found');
    const admitted = await told(signed('device', 'admit', 'ward-7', '--keys', at('ward'), '--area', 'icu'));
    expect(admitted).toMatchObject({ inEffect: true, proposal: null, events: ['admitted'] });
    expect(await sends('ward')).toBeNull();
    const listed = await told(asked('device', 'list', '--hospital', 'hospital-1'));
    const entry = { account: id, role: 'device', name: 'ward-7', level: 1, area: 'icu', status: 'active' };
    expect(listed).toEqual(expect.arrayContaining([{ ...entry, publicKey: id }]));

    await told(signed('device', 'suspend', 'ward-7'));
    expect(await sends('ward')).toBe('suspended');
    await told(signed('device', 'reinstate', id));
    expect(await sends('ward')).toBeNull();

    await told(signed('device', 'level', 'ward-7', '2'));
    const shown = await told(asked('device', 'show', 'ward-7', '--hospital', 'hospital-1'));
    expect(shown).toMatchObject({
      level: 2,
      status: 'active',
      levels: { total: 1, changes: [{ from: 1, to: 2, cause: 'authority' }] },
    });
    expect(await signed('device', 'level', 'ward-7', '9')).toMatchObject({ exit: 'refused' });

    const request = await asked(
      'device',
      'request',
      at('spare'),
      '--hospital',
      'hospital-1',
      '--account',
      id,
    );
    writeFileSync(at('request.json'), request.out);
    await told(signed('device', 'recover', 'ward-7', '--request', at('request.json')));
    expect([await sends('ward'), await sends('spare')]).toEqual(['unknown-sender', null]);
    const found = await node.client.call('account.get', { publicKey: id });
    expect(found).toMatchObject({ account: id, publicKey: keyIn('spare'), keys: 2, name: 'ward-7' });
  }, 180_000);

  it('refuse a request for another account, and a name that nobody has', async () => {
    writeFileSync(at('bad.json'), JSON.stringify({ publicKey: 'x', possession: '' }));
    const admit = ['device', 'admit', 'ward-8', '--request', at('bad.json')];
    expect(await signed(...admit)).toMatchObject({ exit: 'bad-config' });
    expect(await signed('device', 'admit', 'ward-8')).toMatchObject({ exit: 'usage' });
    expect(await signed('device', 'suspend', 'nobody')).toMatchObject({ exit: 'refused' });
    expect(await asked('device', 'suspend', 'ward-7')).toMatchObject({ exit: 'usage' });
  });

  it('of no hospital are voted on; a seat alone is more than two thirds', async () => {
    await told(run('keys', 'new', at('office'), '--json'));
    const keys = ['--keys', at('office'), '--hospital', ''];
    const admitted = await told(signed('publisher', 'admit', 'office', ...keys));
    expect(admitted).toMatchObject({
      inEffect: true,
      proposal: 1,
      events: ['proposed', 'approved', 'admitted'],
    });
    expect(await told(asked('publisher', 'list'))).toHaveLength(2);
  });

  it('change their own key, finish what a crash interrupted, and keep their dataset’s id', async () => {
    await told(run('keys', 'new', at('own'), '--json'));
    await told(signed('device', 'admit', 'own-1', '--keys', at('own')));
    writeFileSync(at('own/device.json'), '{}');
    const [first, salt] = [keyIn('own'), await datasetSalt(at('own'), secretIn('own'))];
    const old = readFileSync(at('own/keystore.json'));
    const rotated = await told(asked('device', 'rotate', at('own')));
    expect(rotated.publicKey).toBe(keyIn('own'));
    expect(keyIn('own')).not.toBe(first);
    expect(await sends('own')).toBeNull();
    expect(await datasetSalt(at('own'), secretIn('own'))).toEqual(salt);
    // The chain has the new key, and the power went before the file was renamed.
    const fresh = readFileSync(at('own/keystore.json'));
    writeFileSync(at('own/keystore.next.json'), fresh);
    writeFileSync(at('own/keystore.json'), old);
    expect(await told(asked('device', 'rotate', at('own')))).toEqual({ ...rotated, height: null });
    expect(readFileSync(at('own/keystore.json'))).toEqual(fresh);
  }, 180_000);
});
