import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { progressOf } from '../../../../node/cli/commands/task.js';
import { CliError } from '../../../../node/cli/failure.js';
import { failureText, printable } from '../../../../node/cli/io.js';
import { nearPath } from '../../../../node/cli/programName.js';
import { createStatusLine } from '../../../../node/cli/statusLine.js';
import { prepareData, provisionNetwork, seedFor } from '../../../../node/provision/index.js';
import { writePidFile } from '../../../../node/testnet/pidFile.js';
import { runProgram as run } from '../../../support/runProgram.js';

/** What a newcomer is told who does not yet know how: each of these once made one hesitate. */

const csv = `age,sugar,ill\n${Array.from({ length: 20 }, (_, index) => `${index},${3 * index},${index % 2}`).join('\n')}\n`;
let dir: string;
let net: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-hints-'));
  net = join(dir, 'net');
  writeFileSync(join(dir, 'rows.csv'), csv);
  await provisionNetwork({
    dir: net,
    name: 'test',
    time: 1_700_000_000_000,
    validators: 2,
    devices: 1,
    data: prepareData({ csv, schema: null, label: 'ill', seed: seedFor('split', 's'), devices: 2 }),
    epsilonMicro: 3_000_000,
    deltaPico: 100_000_000,
    seed: 's',
  });
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('a network', () => {
  it('that is down is told with the command that starts it', async () => {
    const { exit, message, hint } = await run('task', 'list', '--network', net);
    expect(exit).toBe('unreachable');
    expect(message).toBe(`no validator of ${net} answers`);
    expect(hint).toContain(`consilium testnet up ${net}`);
  });

  it('tells a process that runs and does not answer from one that does not run', async () => {
    writePidFile(join(net, 'nodes', 'hospital-1', 'node.pid'), process.pid);
    const { out } = await run('testnet', 'status', net);
    rmSync(join(net, 'nodes', 'hospital-1', 'node.pid'));
    expect(out).toMatch(/^hospital-1 +silent .*pid \d+$/m);
    expect(out).toMatch(/^hospital-2 +down /m);
  });
});

describe('the column to predict', () => {
  const made = (...args: string[]) =>
    run('new', join(dir, 'study'), '--devices', '1', '--data', join(dir, 'rows.csv'), ...args);

  it('is asked for, and looked for in vain, with the columns that there are', async () => {
    expect((await made()).message).toContain('--label: one of age, sugar, ill');
    expect((await made('--label', 'il')).message).toBe('no column il; there are age, sugar, ill');
    expect((await made('--label', 'age')).message).toMatch(
      /two values, it has more: is it the one to predict/,
    );
  });
});

describe('a configuration', () => {
  it('may be named by its folder', async () => {
    const folder = join(net, 'nodes', 'hospital-1');
    const { exit, out } = await run('config', 'explain', '--config', folder, '--json');
    expect(exit).toBe('ok');
    expect(out).toContain('hospital-1');
  });

  it('that is not there yet sends one to join, if there is a card; so does the doctor', async () => {
    const folder = join(dir, 'north');
    mkdirSync(folder);
    const config = join(folder, 'config.json');
    const before = await run('doctor', '--config', config);
    expect(before.out).toMatch(/→ "consilium init" and "consilium join" make one/);
    writeFileSync(join(folder, 'card.json'), '{}');
    const { exit, hint } = await run('node', 'start', '--config', config);
    expect([exit, hint]).toEqual(['bad-config', expect.stringContaining(`consilium join ${folder}`)]);
    const { exit: found, out } = await run('doctor', '--config', folder);
    expect(found).toBe('check-failed');
    expect(out).toMatch(
      /^fault +configuration +.*has joined no chain yet\n +→ run "consilium join .*north"/m,
    );
  });

  it('that is a folder’s name where a file is meant is told as that', async () => {
    const { message } = await run('chain', 'verify', 'x.car', '--genesis', dir);
    expect(message).toBe(`${dir}: it is a folder, not a file`);
  });
});

it('a model may come from an export, too', async () => {
  const { message } = await run('model', 'evaluate', '1', '--data', join(dir, 'rows.csv'));
  expect(message).toMatch(/--car FILE with --genesis FILE/);
});

it('a study’s file names the rules that there are', async () => {
  await run('new', join(dir, 'made'), '--data', join(dir, 'rows.csv'), '--label', 'ill', '--devices', '1');
  const task = readFileSync(join(dir, 'made', 'task.json'), 'utf8');
  expect(task).toContain('(alignment, multi-krum, none)');
  expect(task).toContain('(mean, median, trimmed-mean, geometric-median, centred-clipping)');
});

describe('what is written to a terminal', () => {
  it('has no control characters of somebody else’s', () => {
    expect(printable('a\u001b[2Jb\u0007\u009b\rc\td\ne ε')).toBe('a\ufffd[2Jb\ufffd\ufffd\ufffdc\td\ne ε');
    const told = failureText(new CliError('refused', 'no\u001b]0;x\u0007'), false, false);
    expect(told).toBe('consilium: no\ufffd]0;x\ufffd');
  });

  it('has short paths where they are short', () => {
    expect(nearPath('/a/b/c', '/a')).toBe('b/c');
    expect(nearPath('/a', '/a')).toBe('/a');
    expect(nearPath('/x/y', '/a')).toBe('/x/y');
  });

  const lineOn = (isTTY: boolean, json: boolean, text = 'one two three', columns = 10) => {
    const said = { drawn: '', notes: '' };
    const write = (text: string) => {
      said.drawn += text;
      return true;
    };
    const screen = Object.assign(new PassThrough(), { isTTY, columns, write });
    const note = (text: string) => {
      said.notes += `${text}
`;
    };
    const line = createStatusLine({ out: () => {}, note, screen, env: {} }, json);
    line.show(text);
    line.close();
    line.close();
    return said;
  };
  it('tells what goes on in one line that goes away, elsewhere by remarks', () => {
    expect(lineOn(true, false)).toEqual({ drawn: '\r\x1b[2Kone two t\r\x1b[2K', notes: '' });
    expect(lineOn(false, false)).toEqual({ drawn: '', notes: 'one two three\n' });
    expect(lineOn(true, true)).toEqual({ drawn: '', notes: 'one two three\n' });
    // A terminal that was never told its size, and one that is hardly there.
    expect(lineOn(true, false, 'one two three', 0).drawn).toBe('\r\x1b[2Kone two three\r\x1b[2K');
    expect(lineOn(true, false, 'one', 1).drawn).toBe('\r\x1b[2Ko\r\x1b[2K');
    expect(lineOn(true, false, 'a\x1b[1Ab').drawn).toBe('\r\x1b[2Ka\ufffd[1Ab\r\x1b[2K');
  });

  it('tells how far a task is', () => {
    const task = (status: string) =>
      ({ status, enrolled: ['a', 'b'], spec: { devicesMax: 5, rounds: 4 } }) as unknown as Parameters<
        typeof progressOf
      >[0];
    expect(progressOf(task('enrolling'), 0)).toBe('enrolling devices: 2 of 5');
    expect(progressOf(task('running'), 1)).toBe(
      `${'█'.repeat(10)}${'░'.repeat(30)}  1 of 4 rounds, task running`,
    );
  });
});
