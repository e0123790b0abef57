import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runProgram as run } from '../../../support/runProgram.js';

let dir: string;
const key = '0'.repeat(64);
const line = (second: number, event: string, level = 'info') =>
  `${JSON.stringify({ time: `2026-01-01T00:00:0${second}.000Z`, level, event, height: second })}\n`;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-logs-'));
  const node = (name: string) => {
    return {
      name,
      folder: `nodes/${name}`,
      rpc: 'http://127.0.0.1:1',
      p2p: '/ip4/127.0.0.1/tcp/1',
      publicKey: key,
    };
  };
  const file = {
    version: 1,
    name: 'net',
    chainId: key,
    nodes: [node('a'), node('bb')],
    publisher: { name: 'p', keystore: 'k' },
    devices: [],
  };
  writeFileSync(join(dir, 'network.json'), JSON.stringify(file));
  for (const name of ['a', 'bb']) mkdirSync(join(dir, 'nodes', name), { recursive: true });
  writeFileSync(
    join(dir, 'nodes/a/node.log'),
    [line(1, 'commit'), line(3, 'lost', 'warn'), 'not structured\n'].join(''),
  );
  writeFileSync(join(dir, 'nodes/bb/node.log'), `${line(2, 'commit')}{"half":`);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it('shows the logs of all by time, a line cut short left out', async () => {
  const { exit, out } = await run('testnet', 'logs', dir);
  expect(exit).toBe('ok');
  expect(out.trimEnd().split('\n').sort()).toEqual(
    [
      '00:00:01.000 a  commit height=1',
      '00:00:02.000 bb commit height=2',
      '00:00:03.000 a  WARN lost height=3',
      'a  not structured',
    ].sort(),
  );
});

it('shows the last lines of one, as they are with --json', async () => {
  const { out } = await run('testnet', 'logs', dir, 'bb', '--lines', '1', '--json');
  expect(out).toBe(line(2, 'commit'));
  expect(await run('testnet', 'logs', dir, 'c')).toMatchObject({ exit: 'usage' });
});
