import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { program } from '../support/processes.js';

const ROWS = 80_000;
const HEAP_MIB = 40;

const REMARK = 'x'.repeat(1_000);

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-large-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function* lines(): Generator<string> {
  yield 'a,b,y,remark\n';
  for (let row = 0; row < ROWS; row++) yield `${row % 977},${row % 13},${row % 2},${REMARK}\n`;
}

it('looks through a file that is larger than its heap', async () => {
  const file = join(dir, 'large.csv');
  await pipeline(Readable.from(lines()), createWriteStream(file));
  expect(statSync(file).size).toBeGreaterThan(1.5 * HEAP_MIB * 2 ** 20);
  const number = { center: 0, scale: 1, min: 0, max: 1_000, source: 'a test' };
  const schema = join(dir, 'schema.json');
  const features = [
    { name: 'a', ...number },
    { name: 'b', ...number },
  ];
  writeFileSync(schema, JSON.stringify({ label: { name: 'y', positive: '1', negative: '0' }, features }));
  const [node, main] = program;
  const args = [
    `--max-old-space-size=${HEAP_MIB}`,
    main,
    '--json',
    'data',
    'check',
    file,
    '--schema',
    schema,
  ];
  const child = spawn(node, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await ended;
  expect([code, errors]).toEqual([0, '']);
  expect(JSON.parse(out)).toMatchObject({ fits: true, rows: ROWS });
});
