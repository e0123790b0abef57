import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Hospitals, pimaTask, provisionHospitals, root } from '../support/processes.js';

const run = promisify(execFile);
const files = join(root, 'test', 'long', 'client');
/** What a page pays for signing, tasks and all checks of answers, gzipped. */
const BUNDLE_BYTES_MAX = 200 * 1024;

let folder: string;
let hospitals: Hospitals;
let published = 0;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'consilium-client-'));
  hospitals = await provisionHospitals(1, 1, { heartbeatMs: 3_600_000 });
  await hospitals.start();
  await npm('run', '--prefix', root, '-s', 'build:client');
  const { stdout } = await npm('pack', '--json', '--ignore-scripts', '--pack-destination', folder, root);
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  writeProject(filename);
  // What npm ci fetched for the project is in npm's cache, in the form that npm ci asks for: a registry is not asked.
  await npm('ci', '--offline', '--ignore-scripts', '--no-audit', '--no-fund');
  writeFileSync(join(folder, 'task.json'), JSON.stringify(task));
}, 600_000);
afterAll(async () => {
  await hospitals?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly version?: string }>>;
}

/** A user's project with the packed package and, of this project's lock, all that the package needs. */
function writeProject(filename: string): void {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
  const { '': own, ...others } = lock.packages;
  const needed = Object.entries(others).filter(([, { dev }]) => dev !== true);
  const dependencies = { consilium: `file:${filename}` };
  const { devDependencies: _, ...packed } = { devDependencies: {}, ...own };
  const packages = {
    '': { dependencies },
    'node_modules/consilium': { ...packed, resolved: dependencies.consilium },
    ...Object.fromEntries(needed),
  };
  const name = 'user';
  const json = (value: object) => JSON.stringify(value, null, 2);
  writeFileSync(join(folder, 'package.json'), json({ name, private: true, type: 'module', dependencies }));
  writeFileSync(
    join(folder, 'package-lock.json'),
    json({ name, lockfileVersion: 3, requires: true, packages }),
  );
}

const npm = (...args: string[]) => run('npm', args, { cwd: folder, maxBuffer: 16 * 1024 * 1024 });
/** Waits for a second device, which there is not: it stays as it was published. */
const task = pimaTask({ devices: 2, quorum: 1, rounds: 1, enrolMs: 3_600_000 });

/** Runs a program that publishes a task and says what it read. */
async function publishes(program: string): Promise<void> {
  const publisher = dirname(join(hospitals.network.dir, hospitals.network.file.publisher.keystore));
  const args = [program, hospitals.clients[0]!.url, publisher, join(folder, 'task.json')];
  const { stdout } = await run(process.execPath, args, { cwd: folder });
  published += 1;
  expect(JSON.parse(stdout)).toMatchObject({ task: published, title: task.title, status: 'enrolling' });
}

it('is used from plain JavaScript: signs, publishes a task, reads it, follows its events', async () => {
  writeFileSync(join(folder, 'use.js'), readFileSync(join(files, 'use.js')));
  await publishes('use.js');
});

it('has types that hold under strict, with every library checked', async () => {
  writeFileSync(join(folder, 'use.ts'), readFileSync(join(files, 'use.ts.txt')));
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    lib: ['es2024', 'dom', 'esnext.disposable'],
    types: [],
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    outDir: 'out',
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout } = await run(process.execPath, [tsc, '-p', '.'], { cwd: folder }).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toBe('');
  const out = join(folder, 'out', 'use.js');
  writeFileSync(join(folder, 'typed.js'), readFileSync(join(files, 'typed.js')));
  expect(readFileSync(out, 'utf8')).toContain('consilium/client');
  await publishes('typed.js');
});

it('is bundled for browsers without anything of Node, and works without it', async () => {
  writeFileSync(join(folder, 'page.js'), readFileSync(join(files, 'page.js')));
  await build({
    configFile: false,
    root: folder,
    logLevel: 'error',
    publicDir: false,
    build: {
      outDir: 'page',
      target: 'es2022',
      modulePreload: false,
      rollupOptions: {
        input: join(folder, 'page.js'),
        output: { entryFileNames: 'page.js' },
        preserveEntrySignatures: 'strict',
      },
    },
  });
  const parts = readdirSync(join(folder, 'page'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => {
      const file = join(folder, 'page', name);
      const part = readFileSync(file, 'utf8');
      // A page has neither of these; Node's own fetch needs them, so they are hidden from the bundle alone.
      writeFileSync(file, `const process = undefined, Buffer = undefined, require = undefined;\n${part}`);
      return part;
    });
  const text = parts.join('\n');
  expect(text).not.toMatch(/(from|import\() *["'`]node:|__vite-browser-external/);
  const gzipped = parts.reduce((sum, part) => sum + gzipSync(part).length, 0);
  expect(gzipped).toBeLessThan(BUNDLE_BYTES_MAX);
  writeFileSync(join(folder, 'browser.js'), readFileSync(join(files, 'browser.js')));
  await publishes('browser.js');
});
