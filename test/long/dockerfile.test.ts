import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, matchesGlob } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePorts } from '../../node/provision/index.js';
import { trackedFiles } from '../support/clone.js';
import { buildImage, type Image } from '../support/image.js';
import { root } from '../support/processes.js';

/**
 * The image that deploy/docker/Dockerfile makes, built without Docker (test/support/image.ts): what it copies is there,
 * its steps run in a clean folder in their order, and what comes out is a node that has all that it needs.
 */
const dir = mkdtempSync(join(tmpdir(), 'consilium-image-'));
let image: Image;
let ended: (() => Promise<unknown>) | null = null;

beforeAll(() => {
  const docker = join(root, 'deploy', 'docker');
  const ignored = readFileSync(join(docker, 'Dockerfile.dockerignore'), 'utf8').split('\n').filter(Boolean);
  const context = join(dir, 'context');
  for (const file of trackedFiles()) {
    const left = ignored.some((pattern) => matchesGlob(file, pattern) || matchesGlob(file, `${pattern}/**`));
    if (!left) cpSync(join(root, file), join(context, file));
  }
  image = buildImage(readFileSync(join(docker, 'Dockerfile'), 'utf8'), context, join(dir, 'stages'));
}, 1_200_000);
afterAll(async () => {
  await ended?.();
  rmSync(dir, { recursive: true, force: true });
});

/** The image's own paths, in this machine's file system. */
const mapped = (word: string) => (/^\/(opt|var)\//.test(word) ? join(image.folder, word) : word);
const program = () => image.entrypoint.map(mapped);
const run = (...args: string[]) =>
  execFileSync(program()[0]!, [...program().slice(1), ...args], { encoding: 'utf8', cwd: dir });

it('has the program and what it needs, and nothing that only building needs', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  expect(run('--version').trim()).toBe(version);
  expect(readdirSync(join(image.folder, 'opt', 'consilium')).sort()).toEqual([
    'LICENSE',
    'dist',
    'node_modules',
    'package.json',
  ]);
  for (const tool of ['typescript', 'vitest', 'vite'])
    expect(existsSync(join(image.folder, 'opt/consilium/node_modules', tool))).toBe(false);
});

it('starts a node with its page, tells that it is well, and ends by its signal', async () => {
  const [p2p, rpc] = await freePorts(2);
  const folder = join(image.folder, image.workdir);
  rmSync(folder, { recursive: true }); // a volume goes there
  const address = `/ip4/127.0.0.1/tcp/${p2p}`;
  const founding = join(dir, 'founding');
  run('init', folder, '--name', 'north', '--address', address);
  run('genesis', 'create', founding, '--name', 'study', join(folder, 'card.json'));
  const [genesis, cards] = ['genesis.json', 'cards.json'].map((name) => join(founding, name));
  const digest = run('genesis', 'digest', genesis!).trim();
  const agreed = ['--genesis', genesis!, '--cards', cards!, '--expect', digest];
  run('join', folder, ...agreed, '--listen', address, '--rpc-port', String(rpc));
  const env = Object.fromEntries(Object.entries(image.env).map(([name, value]) => [name, mapped(value)]));
  const [command, ...args] = [...program(), ...image.cmd];
  const child = spawn(command!, args, { cwd: folder, env: { PATH: process.env.PATH, ...env } });
  const exited = once(child, 'exit');
  ended = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  };
  child.stderr.resume();
  const [ready] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  expect(JSON.parse(ready)).toMatchObject({ event: 'ready' });
  const [asks, ...how] = image.healthcheck.map((word) => word.replaceAll('4002', String(rpc)));
  execFileSync(asks!, how); // throws unless it exits with 0
  const page = await fetch(`http://127.0.0.1:${rpc}/`);
  expect(await page.text()).toMatch(/<script/);
  child.kill(image.stopSignal);
  expect(await exited).toEqual([0, null]);
}, 120_000);
