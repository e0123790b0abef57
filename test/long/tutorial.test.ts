import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cloneInto } from '../support/clone.js';
import { shellBlocks } from '../support/pages.js';
import { program, root } from '../support/processes.js';

/**
 * Pages for newcomers, run as they stand: every block that begins with ```sh, in one shell and a folder a page: an empty
 * one, or a clone of this repository with what it needs installed.
 */
const pages: readonly {
  readonly page: string;
  readonly inClone?: boolean;
  readonly says: readonly RegExp[];
}[] = [
  {
    page: 'docs/tutorial.md',
    says: [/offline replay +passed/, /^task 1 is done$/m, /^model\.safetensors$/m, /^exit code 7$/m],
  },
  {
    page: 'docs/how-to/own-data.md',
    says: [/^It fits\.$/m, /"NA" is not a number/, /offline replay +passed/],
  },
  { page: 'docs/how-to/own-model.md', says: [/10 of 10 closed/, /offline replay +passed/, /^model\.json$/m] },
  {
    page: 'docs/how-to/own-rule.md',
    inClone: true,
    says: [/30 qualified, 10 refused/, /5 of 5 closed/, /offline replay +passed/],
  },
];
const PAGE_MS = 600_000;

const dir = mkdtempSync(join(tmpdir(), 'consilium-tutorial-'));
const bin = join(dir, 'bin');
/** Where the tutorial leaves a network, if it does not come to its end. */
const net = join(dir, 'docs/tutorial.md', 'net');
const children: ChildProcess[] = [];

beforeAll(() => {
  mkdirSync(bin);
  const file = join(bin, 'consilium');
  writeFileSync(file, `#!/bin/bash\nexec ${program.join(' ')} "$@"\n`);
  chmodSync(file, 0o755);
});

afterAll(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    // Its whole group: what runs in it takes its own network down.
    process.kill(-child.pid!, 'SIGTERM');
    await once(child, 'exit');
  }
  if (existsSync(net)) execFileSync(join(bin, 'consilium'), ['testnet', 'down', net]);
  rmSync(dir, { recursive: true, force: true });
});

it.each(pages)(
  '$page does what it says',
  async ({ page, inClone = false, says }) => {
    const cwd = join(dir, page);
    mkdirSync(cwd, { recursive: true });
    if (inClone) cloneInto(cwd);
    const commands = shellBlocks(readFileSync(join(root, page), 'utf8')).join('');
    const child = spawn('bash', ['-c', `set -euo pipefail\nset -x\n${commands}`], {
      cwd,
      env: { PATH: `${bin}:${process.env.PATH}`, HOME: dir },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    children.push(child);
    const ended = once(child, 'exit').then(([code]) => code as number | null);
    const [out, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    expect([code, code === 0 ? '' : `${out}\n${errors}`.slice(-3_000)]).toEqual([0, '']);
    for (const line of says) expect(out).toMatch(line);
  },
  PAGE_MS,
);

it('the tutorial’s network is down at its end', () => {
  const told = execFileSync(join(bin, 'consilium'), ['testnet', 'status', net, '--json'], {
    encoding: 'utf8',
  });
  const { nodes } = JSON.parse(told) as { readonly nodes: readonly { readonly up: boolean }[] };
  expect(nodes.map(({ up }) => up)).toEqual([false, false, false, false]);
});
