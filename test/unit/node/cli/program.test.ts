import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ExitName, exitCodes } from '../../../../node/cli/exitCodes.js';
import { testGenesis } from '../../../support/genesis.js';
import { runProgram as run } from '../../../support/runProgram.js';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-cli-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

const rows = Array.from({ length: 60 }, (_, index) => `${index},${index % 2}`).join('\n');

describe('usage', () => {
  it('proposes the command that was meant', async () => {
    const { exit, message } = await run('dmeo');
    expect(exit).toBe('usage');
    expect(message).toContain('Did you mean demo?');
    expect((await run('testnet', 'stauts', 'x')).message).toContain('Did you mean status?');
    expect((await run('demo', '--round', '3')).message).toContain('Did you mean --rounds?');
  });

  it('says where to look, for the command that was begun', async () => {
    expect((await run('dmeo')).hint).toMatch(/^consilium --help lists/);
    expect((await run('testnet', 'stauts', 'x')).hint).toMatch(/^consilium testnet --help shows/);
    expect((await run('testnet', 'up')).hint).toMatch(/^consilium testnet up --help shows/);
    expect((await run('testnet', 'up')).message).not.toMatch(/error:/);
    const { exit, message, notes } = await run('testnet');
    expect([exit, message]).toEqual(['usage', 'consilium testnet: which command?']);
    expect(notes).toMatch(/^Usage: consilium testnet/);
  });

  it('"help" takes the words of a command, as many as there are', async () => {
    expect((await run('help', 'testnet', 'up')).out).toMatch(/^Usage: consilium testnet up /);
    expect((await run('help', 'testnet')).out).toMatch(/^Usage: consilium testnet \[/);
    expect((await run('help')).out).toMatch(/^Usage: consilium \[/);
  });

  it('has help with examples for every command, and lists the exit codes', async () => {
    const { exit, out } = await run('--help');
    expect(exit).toBe('ok');
    for (const [name, code] of Object.entries(exitCodes)) expect(out).toMatch(new RegExp(`${code}  ${name}`));
    for (const command of [
      ['demo'],
      ['testnet', 'up'],
      ['node', 'start'],
      ['task'],
      ['chain', 'verify'],
      ['keys'],
      ['testnet', 'add'],
      ['validator'],
    ]) {
      const help = await run(...command, '--help');
      expect(help.exit).toBe('ok');
      expect(help.out).toMatch(/Examples?:\n {2}consilium /);
    }
  });

  it('names its version', async () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8'),
    );
    expect((await run('--version')).out.trim()).toBe(version);
  });

  it.each([
    ['demo', '--rounds', '0'],
    ['demo', '--rounds', '2.5'],
    ['demo', '--validators', '33'],
    ['demo', '--poison', '1.1'],
    ['demo', '--poison', '-0.1'],
    ['demo', '--attack', 'steal:0.3'],
    ['demo', '--attack', 'label-flip'],
    ['demo', '--attack', 'label-flip:1.1'],
    ['demo', '--attack', 'label-flip:0.3:0'],
    ['demo', '--attack', 'label-flip:0.3:1:1'],
    ['demo', '--attack', 'ipm:0.3', '--poison', '0.3'],
    ['demo', '--epsilon', '0'],
    ['demo', '--epsilon', 'some'],
    ['demo', '--epsilon', '65'],
    ['demo', 'surplus'],
    ['demo', '--label', 'outcome'],
    ['testnet', 'up'],
    ['node', 'start'],
    ['task', 'watch', 'first', '--node', 'http://127.0.0.1:1'],
    ['task', 'list', '--node', 'no address'],
    ['task', 'list'],
    ['validator', 'list'],
    ['validator', 'approve', '0', '--node', 'http://127.0.0.1:1'],
    ['validator', 'approve', '1', '--node', 'http://127.0.0.1:1'],
    ['validator', 'add', 'x', '--public-key', 'abc', '--node', 'http://127.0.0.1:1'],
    ['validator', 'add', 'x', '--node', 'http://127.0.0.1:1'],
    ['chain', 'verify', 'x.car'],
    ['chain', 'verify', 'x.car', '--genesis', 'g', '--anchor', '12:abc'],
  ])('refuses %s %s %s', async (...args) => {
    expect((await run(...args.filter((arg) => arg !== undefined))).exit).toBe('usage');
  });

  it('gives no two failures the same exit code', () => {
    const codes = Object.values(exitCodes);
    expect(new Set(codes).size).toBe(codes.length);
  });
});

describe('bad data files, told before anything is written', () => {
  const cases: [string, () => string[], ExitName, RegExp][] = [
    [
      'a missing file',
      () => ['--data', join(dir, 'nowhere.csv'), '--label', 'y'],
      'bad-data',
      /no such file/,
    ],
    ['no rows', () => ['--data', file('a.csv', 'a,y\n'), '--label', 'y'], 'bad-data', /no rows/],
    [
      'a missing label',
      () => ['--data', file('b.csv', `a,y\n${rows}`), '--label', 'z'],
      'bad-data',
      /no column z/,
    ],
    [
      'text for a number',
      () => ['--data', file('c.csv', `a,y\n${rows}\nhigh,1`), '--label', 'y'],
      'bad-data',
      /line 62, column a: "high"/,
    ],
    [
      'columns missing for the schema',
      () => ['--data', file('d.csv', `a,y\n${rows}`), '--schema', 'datasets/pima.schema.json'],
      'bad-data',
      /no column pregnancies/,
    ],
    [
      'a schema that is not JSON',
      () => ['--data', file('e.csv', `a,y\n${rows}`), '--schema', file('e.json', '{')],
      'bad-data',
      /not JSON/,
    ],
    ['no label', () => ['--data', file('f.csv', `a,y\n${rows}`)], 'usage', /--label/],
  ];
  it.each(cases)('%s', async (_, args, exit, message) => {
    const target = join(dir, 'target');
    for (const command of [
      ['demo', '--dir', target],
      ['testnet', 'up', target],
    ]) {
      const failure = await run(...command, ...args());
      expect(failure.message).toMatch(message);
      expect(failure.exit).toBe(exit);
      expect(existsSync(target)).toBe(false);
    }
  });
});

describe('bad folders and files', () => {
  it('refuses a folder with other things in it and leaves them', async () => {
    const letter = file('letter.txt', 'dear');
    for (const command of [
      ['demo', '--dir', dir],
      ['testnet', 'up', dir],
      ['testnet', 'status', dir],
      ['testnet', 'down', dir],
    ]) {
      expect((await run(...command)).exit).toBe('bad-folder');
    }
    expect(readFileSync(letter, 'utf8')).toBe('dear');
    expect(readdirSync(dir).filter((name) => name.includes('part'))).toEqual([]);
  });

  it('tells a genesis that does not parse', async () => {
    const bad = file('genesis.json', '{"version": 1');
    const { exit, message } = await run('chain', 'verify', 'x.car', '--genesis', bad);
    expect(exit).toBe('bad-genesis');
    expect(message).toContain('not-json');
  });

  it('tells a configuration that is none', async () => {
    const bad = file('config.json', '{"version": 1}');
    expect((await run('node', 'start', '--config', bad)).exit).toBe('bad-config');
    expect((await run('node', 'start', '--config', join(dir, 'nowhere.json'))).exit).toBe('bad-config');
  });

  it('tells a task that is none', async () => {
    const bad = file('task.json', '{"title": "x"}');
    const { exit, message } = await run('task', 'publish', bad, '--node', 'http://127.0.0.1:9');
    expect(exit).toBe('bad-config');
    expect(message).toMatch(/task: model/);
  });
});

describe('nodes', () => {
  it('tells that nobody answers', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    expect((await run('task', 'list', '--node', `http://127.0.0.1:${port}`)).exit).toBe('unreachable');
  });

  it('tells that what answers is no node', async () => {
    const server = createServer((_, response) => response.end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const { exit, message } = await run('task', 'list', '--node', `http://127.0.0.1:${port}`);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(exit).toBe('unreachable');
    expect(message).toContain('JSON');
  });
});

describe('keys', () => {
  it('makes keys, shows the public part, never writes over, never shows a secret', async () => {
    const folder = join(dir, 'keys');
    const made = JSON.parse((await run('keys', 'new', folder, '--validator', '--json')).out);
    const shown = JSON.parse((await run('keys', 'show', join(folder, 'keystore.json'), '--json')).out);
    expect(shown).toEqual(made);
    expect(Object.keys(shown).sort()).toEqual(['publicKey', 'vrfPublicKey']);
    const before = readFileSync(join(folder, 'keystore.json'), 'utf8');
    expect((await run('keys', 'new', folder)).exit).toBe('bad-folder');
    expect(readFileSync(join(folder, 'keystore.json'), 'utf8')).toBe(before);
    const wrong = file('wrong', 'no');
    expect((await run('keys', 'show', join(folder, 'keystore.json'), '--password-file', wrong)).exit).toBe(
      'bad-config',
    );
  });
});

describe('genesis check', () => {
  const ten = testGenesis(10, 0).genesis;
  const withMembers = (members: number) =>
    file(`genesis-${members}.json`, JSON.stringify({ ...ten, params: { ...ten.params, members } }));

  it('finds all validators as members safe below a third, and says so', async () => {
    const { exit, out } = await run('genesis', 'check', withMembers(100));
    expect(exit).toBe('ok');
    expect(out).toContain('committee: 10 of 10 validators, 3 dishonest');
    expect(out).toContain('safe: no chance of capture');
  });

  it('refuses a third of them dishonest, and a small committee, unless told otherwise', async () => {
    expect((await run('genesis', 'check', withMembers(100), '--dishonest', '4')).exit).toBe('check-failed');
    const small = await run('genesis', 'check', withMembers(7));
    expect(small.exit).toBe('check-failed');
    expect(small.out).toContain('UNSAFE');
    // P[3 dishonest of 10 all among 7 drawn] = C(7,4) / C(10,7) = 35 / 120.
    expect(small.out).toContain('2.92e-1');
    const accepted = await run('genesis', 'check', withMembers(7), '--allow-unsafe-committee');
    expect(accepted.exit).toBe('ok');
    expect((await run('genesis', 'check', withMembers(7), '--dishonest', '2')).exit).toBe('ok');
  });

  it('goes by what the genesis expects and accepts, unless told otherwise', async () => {
    const expecting = (name: string, change: object) => {
      const params = { ...ten.params, members: 7, capture: { ...ten.params.capture, ...change } };
      return file(`genesis-${name}.json`, JSON.stringify({ ...ten, params }));
    };
    expect((await run('genesis', 'check', expecting('two', { dishonest: 2 }))).exit).toBe('ok');
    const three = await run('genesis', 'check', expecting('three', { dishonest: 3, heights: 77 }));
    expect(three.exit).toBe('check-failed');
    expect(three.out).toContain('over 77 heights');
    expect((await run('genesis', 'check', expecting('accepted', { allowUnsafe: true }))).exit).toBe('ok');
  });

  it('gives numbers to programs, and refuses expectations beyond the validators', async () => {
    const { out } = await run(
      'genesis',
      'check',
      withMembers(7),
      '--dishonest',
      '1',
      '--offline',
      '2',
      '--json',
    );
    const risk = JSON.parse(out);
    expect(risk).toMatchObject({ validators: 10, members: 7, isSafe: true, dishonest: 1, offline: 2 });
    expect(risk.stall.perHeight).toBeCloseTo(35 / 120, 12);
    expect((await run('genesis', 'check', withMembers(7), '--dishonest', '11')).exit).toBe('usage');
    expect((await run('genesis', 'check', file('no.json', '{}'))).exit).toBe('bad-genesis');
  });
});

describe('testnet up', () => {
  it('provisions no network whose committees could be captured', async () => {
    const folder = join(dir, 'unsafe');
    const { exit, notes } = await run('testnet', 'up', folder, '--validators', '7', '--members', '4');
    expect(exit).toBe('usage');
    expect(notes).toContain('UNSAFE');
    expect(existsSync(folder)).toBe(false);
  });
});
