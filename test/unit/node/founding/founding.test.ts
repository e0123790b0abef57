import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newestProtocol } from '../../../../contracts/index.js';
import { type Card, makeCard } from '../../../../node/founding/index.js';
import { newKeys } from '../../../../node/provision/index.js';
import { readNodeConfig } from '../../../../node/settings/index.js';
import { runProgram } from '../../../support/runProgram.js';

const names = ['north', 'east', 'south', 'west'];
let made: string;
let dir: string;
let count = 0;
const at = (...parts: string[]) => join(dir, ...parts);
const readJson = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
const writeJson = (file: string, value: unknown) => writeFileSync(file, JSON.stringify(value));

/** Runs the command line, which has to succeed, and gives what it says as JSON. */
async function consilium(...args: string[]): Promise<Record<string, unknown>> {
  const { out, message } = await runProgram(...args, '--json');
  if (out === '') throw new Error(message);
  return JSON.parse(out);
}

const initOf = (folder: string, name: string, port: number, ...more: string[]) => [
  'init',
  folder,
  '--name',
  name,
  '--address',
  `/ip4/127.0.0.1/tcp/${port}`,
  ...more,
];

/** Four hospitals with their cards, and a genesis made of them; nobody has joined yet. */
beforeAll(async () => {
  made = mkdtempSync(join(tmpdir(), 'consilium-founding-'));
  dir = join(made, 'first');
  for (const [index, name] of names.entries()) await consilium(...initOf(at(name), name, 4001 + index));
  const { digest } = await consilium('genesis', 'create', at('founding'), '--name', 'study', ...cardFiles());
  writeFileSync(at('digest'), digest as string);
}, 60_000);
afterAll(() => rmSync(made, { recursive: true, force: true }));
beforeEach(() => {
  count += 1;
  dir = join(made, `copy-${count}`);
  cpSync(join(made, 'first'), dir, { recursive: true });
});

const cardFiles = () => names.map((name) => at(name, 'card.json'));
const digest = () => readFileSync(at('digest'), 'utf8');
const agreed = (expected = digest()) => [
  '--genesis',
  at('founding', 'genesis.json'),
  '--cards',
  at('founding', 'cards.json'),
  '--expect',
  expected,
];
const joinOf = (name: string, expected = digest()) => ['join', at(name), ...agreed(expected)];

describe('founding a network', () => {
  it('ends in a folder at each hospital that names the chain, the others and nothing secret', async () => {
    for (const name of names) await consilium(...joinOf(name));
    const config = readNodeConfig(at('north', 'config.json'));
    expect(config).toMatchObject({ name: 'north', chainId: digest(), listen: ['/ip4/0.0.0.0/tcp/4001'] });
    expect(config.peers.map(({ addresses }) => addresses)).toEqual(
      [4002, 4003, 4004].map((port) => [`/ip4/127.0.0.1/tcp/${port}`]),
    );
    for (const file of ['keystore.json', 'password'])
      expect(statSync(at('north', file)).mode & 0o777).toBe(0o600);
    // Of the folder itself: Node 24 copies folders without their modes.
    expect(statSync(join(made, 'first', 'north')).mode & 0o777).toBe(0o700);
    const handed = readdirSync(at('founding')).map((file) => readFileSync(at('founding', file), 'utf8'));
    const secrets = ['keystore.json', 'password'].flatMap((file) => {
      const text = readFileSync(at('north', file), 'utf8');
      return [text.trim(), ...(text.match(/[0-9a-f]{48,}/g) ?? [])];
    });
    for (const secret of secrets)
      expect([...handed, readFileSync(at('north', 'card.json'), 'utf8')].join()).not.toContain(secret);
  });

  it('can be told again, and does nothing new', async () => {
    await consilium(...joinOf('north'));
    const before = readFileSync(at('north', 'config.json'), 'utf8');
    await consilium(...joinOf('north'));
    expect(readFileSync(at('north', 'config.json'), 'utf8')).toBe(before);
  });

  it('never writes over keys', async () => {
    const again = await runProgram(...initOf(at('north'), 'north', 4001));
    expect(again).toMatchObject({ exit: 'bad-folder' });
    expect(again.message).toMatch(/keys are never written over/);
  });

  it('refuses the wrong digest, and leaves nothing behind', async () => {
    const refused = await runProgram(...joinOf('north', 'ab'.repeat(32)));
    expect(refused).toMatchObject({ exit: 'other-genesis' });
    expect(refused.message).toMatch(/has the digest .* and abab.* was expected: .*ask the other hospitals/s);
    expect(readdirSync(at('north')).sort()).toEqual(['card.json', 'devices', 'keystore.json', 'password']);
  });

  it('refuses a file that is no genesis', async () => {
    writeFileSync(at('founding', 'genesis.json'), '{');
    const refused = await runProgram(...joinOf('north'));
    expect([refused.exit, refused.message]).toEqual([
      'bad-genesis',
      expect.stringMatching(/is not a genesis/),
    ]);
  });

  it('refuses a genesis without the own key', async () => {
    await consilium(...initOf(at('fifth'), 'fifth', 4009));
    const refused = await runProgram(...joinOf('fifth'));
    expect(refused).toMatchObject({ exit: 'check-failed' });
    expect(refused.message).toMatch(/does not have the own key .*\(fifth\): send .*card\.json/);
  });

  it('refuses a cards file that has the own node at another address', async () => {
    await consilium('card', 'renew', at('north'), '--address', '/ip4/127.0.0.1/tcp/4999');
    expect((await runProgram(...joinOf('north'))).message).toMatch(
      /has north at .*4001, and the own card says .*4999/,
    );
  });

  it('refuses a validator in the genesis that nobody signed for', async () => {
    const file = at('founding', 'cards.json');
    const { cards } = readJson(file);
    writeJson(file, { version: 1, cards: cards.slice(0, 3) });
    expect((await runProgram(...joinOf('north'))).message).toMatch(
      /validator west, and there is no card that it signed/,
    );
  });

  it('refuses a keystore that does not hold the card’s keys', async () => {
    for (const file of ['keystore.json', 'password']) cpSync(at('east', file), at('north', file));
    expect((await runProgram(...joinOf('north'))).message).toMatch(/does not hold the keys of .*card\.json/);
  });

  it('asks for init first', async () => {
    expect((await runProgram('join', at('nowhere'), ...agreed())).message).toMatch(
      /has no card\.json: "consilium init/,
    );
  });

  it.each<[string, (cards: Card[]) => Card[], RegExp]>([
    [
      'an address altered on the way',
      ([a, ...rest]) => [{ ...a!, addresses: ['/ip4/6.6.6.6/tcp/1'] }, ...rest],
      /card of north is not signed by the keys that it names/,
    ],
    ['a name altered on the way', ([a, ...rest]) => [{ ...a!, name: 'norht' }, ...rest], /not signed/],
    [
      'a stranger’s VRF key',
      ([a, b, ...rest]) => [{ ...a!, vrfPublicKey: b!.vrfPublicKey }, b!, ...rest],
      /not signed/,
    ],
    [
      'another’s proof of the VRF key',
      ([a, b, ...rest]) => [{ ...a!, vrfProof: b!.vrfProof }, b!, ...rest],
      /not signed/,
    ],
    [
      'another’s signature',
      ([a, b, ...rest]) => [{ ...a!, signature: b!.signature }, b!, ...rest],
      /not signed/,
    ],
    ['one card twice', ([a, , ...rest]) => [a!, a!, ...rest], /both have the signing key/],
  ])('refuses cards with %s, before and after', async (_, change, says) => {
    const cards = change(cardFiles().map((file) => readJson(file)));
    const files = cards.map((card, index) => {
      writeJson(at(`card-${index}.json`), card);
      return at(`card-${index}.json`);
    });
    expect((await runProgram('genesis', 'create', at('again'), '--name', 'x', ...files)).message).toMatch(
      says,
    );
    writeJson(at('founding', 'cards.json'), { version: 1, cards });
    expect((await runProgram(...joinOf('south'))).message).toMatch(says);
  });

  it.each<[string, (card: { name: string; hospital: string; addresses: string[] }) => object, RegExp]>([
    ['name', () => ({ name: 'north' }), /both have the name north/],
    ['hospital', () => ({ hospital: 'north' }), /both have the hospital north/],
    ['address', () => ({ addresses: ['/ip4/127.0.0.1/tcp/4001'] }), /both have the address/],
  ])('refuses two hospitals of one %s', async (_, change, says) => {
    const own = { name: 'other', hospital: 'other', addresses: ['/ip4/127.0.0.1/tcp/4900'] };
    const { secrets } = newKeys('validator');
    const card = makeCard(
      { ...own, ...change(own), chainId: null },
      { sign: secrets.sign!, vrf: secrets.vrf! },
    );
    writeJson(at('other.json'), card);
    const refused = await runProgram(
      'genesis',
      'create',
      at('again'),
      '--name',
      'x',
      ...cardFiles(),
      at('other.json'),
    );
    expect(refused.message).toMatch(says);
  });

  it('takes publishers with tokens, and no validator without a card', async () => {
    const publisher = {
      publicKey: Buffer.from(newKeys('other').publicKey).toString('hex'),
      role: 'publisher',
      name: 'p',
      hospital: '',
      level: 1,
      vrfPublicKey: null,
      balance: 5,
    };
    writeJson(at('accounts.json'), [publisher]);
    const create = (folder: string) => [
      'genesis',
      'create',
      at(folder),
      '--name',
      'x',
      '--accounts',
      at('accounts.json'),
      ...cardFiles(),
    ];
    await consilium(...create('with'));
    expect(readJson(at('with', 'genesis.json')).accounts).toHaveLength(5);
    expect(readJson(at('with', 'genesis.json')).upgrades).toEqual([{ height: 1, protocol: newestProtocol }]);
    const [first] = readJson(at('founding', 'genesis.json')).accounts;
    writeJson(at('accounts.json'), [first]);
    expect((await runProgram(...create('without'))).message).toMatch(/validators come by their cards/);
  });
});

describe('joining a network that exists', () => {
  it('makes a card for that chain alone, and a folder that is ready to start', async () => {
    await consilium(...initOf(at('fifth'), 'fifth', 4009, ...agreed()));
    expect(readJson(at('fifth', 'card.json')).chainId).toBe(digest());
    expect(readNodeConfig(at('fifth', 'config.json')).peers).toHaveLength(4);
    const founding = await runProgram(
      'genesis',
      'create',
      at('again'),
      '--name',
      'x',
      ...cardFiles(),
      at('fifth', 'card.json'),
    );
    expect(founding).toMatchObject({ exit: 'other-genesis' });
    expect(founding.message).toMatch(/card of fifth is for joining the chain/);
  });

  it('needs all three of genesis, cards and digest, and the right ones', async () => {
    const lacking = await runProgram(...initOf(at('fifth'), 'fifth', 4009, ...agreed().slice(0, 4)));
    expect(lacking).toMatchObject({ exit: 'usage' });
    const wrong = await runProgram(...initOf(at('fifth'), 'fifth', 4009, ...agreed('00'.repeat(32))));
    expect(wrong).toMatchObject({ exit: 'other-genesis' });
    expect(readdirSync(dir)).not.toContain('fifth');
  });

  it('refuses a name or an address that the network has', async () => {
    expect((await runProgram(...initOf(at('fifth'), 'north', 4009, ...agreed()))).message).toMatch(
      /has the name north already/,
    );
    expect((await runProgram(...initOf(at('fifth'), 'fifth', 4003, ...agreed()))).message).toMatch(
      /has an address of south already/,
    );
  });

  it('takes a newcomer’s card and a moved founder’s into the configuration, and no stranger’s', async () => {
    await consilium(...joinOf('north'));
    await consilium(...joinOf('east'));
    await consilium(...initOf(at('fifth'), 'fifth', 4009, ...agreed()));
    await consilium('card', 'add', at('north'), at('fifth', 'card.json'));
    await consilium('card', 'renew', at('east'), '--address', '/dns4/east.example/tcp/4001');
    await consilium('card', 'add', at('north'), at('east', 'card.json'));
    const { peers } = readNodeConfig(at('north', 'config.json'));
    expect(peers.map(({ addresses }) => addresses[0]).sort()).toEqual([
      '/dns4/east.example/tcp/4001',
      '/ip4/127.0.0.1/tcp/4003',
      '/ip4/127.0.0.1/tcp/4004',
      '/ip4/127.0.0.1/tcp/4009',
    ]);
    await consilium(...initOf(at('stranger'), 'stranger', 4010));
    const refused = await runProgram('card', 'add', at('north'), at('stranger', 'card.json'));
    expect(refused).toMatchObject({ exit: 'other-genesis' });
    expect(refused.message).toMatch(/card for founding another network/);
    expect((await runProgram('card', 'add', at('north'), at('north', 'card.json'))).message).toMatch(
      /own card/,
    );
  });

  it('keeps a folder to its chain', async () => {
    await consilium(...joinOf('north'));
    const again = await consilium('genesis', 'create', at('again'), '--name', 'another', ...cardFiles());
    const other = [
      '--genesis',
      at('again', 'genesis.json'),
      '--cards',
      at('again', 'cards.json'),
      '--expect',
      String(again.digest),
    ];
    expect((await runProgram('join', at('north'), ...other)).message).toMatch(
      /a validator belongs to one chain/,
    );
  });
});
