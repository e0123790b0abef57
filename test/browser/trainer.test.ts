import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hexToBytes } from '../../crypto/index.js';
import { decodeUpdate, wireStep } from '../../fl/index.js';
import { osRandom, startBackend, type TrainJob, trainStep } from '../../fl/trainer/index.js';
import { PAGE_POLICY, readPages } from '../../node/rpc/pages.js';
import { tempFolder } from '../support/network.js';
import { bundlePage } from './bundle.js';
import { chromiumFlags, findChromium } from './chromium.js';
import { type JobName, jobOf } from './trainJobs.js';
import type { Trained } from './trainPage.js';

const program = findChromium();
if (program === null) {
  console.log(
    'browser: skipped: there is no Chromium here (CHROMIUM=path names one; apt-get install chromium)',
  );
}

/** The page, its worker and the library's WebAssembly, under the policy that a node gives its pages. */
async function servePage(folder: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { bytes, gzipped } = await bundlePage(folder, 'trainPage');
  console.log(
    `browser: the trainer has ${bytes} bytes bundled, ${gzipped} gzipped, without the library's wasm`,
  );
  const library = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
  for (const file of readdirSync(library).filter((name) => name.endsWith('.wasm')))
    copyFileSync(join(library, file), join(folder, 'assets', file));
  writeFileSync(
    join(folder, 'index.html'),
    '<!doctype html><title>train</title><script type="module" src="/assets/trainPage.js"></script>',
  );
  const pages = readPages(folder);
  const server = createServer(({ url }, response) => {
    const page = pages.get(url ?? '');
    response.setHeader('content-security-policy', PAGE_POLICY);
    if (page === undefined) response.writeHead(404).end();
    else response.setHeader('content-type', page.type).end(page.bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { url: `http://127.0.0.1:${port}/`, close };
}

/** The weights after one step of rate 1 on the mean update. */
function weightsAfter(job: TrainJob, update: Uint8Array): Float64Array {
  const decoded = decodeUpdate(update, job.grid);
  if (!decoded.ok) throw new Error(decoded.reason);
  const scale = wireStep(job.grid) / job.y.length;
  return Float64Array.from(job.weights, (weight, at) => weight - scale * decoded.wire[at]!);
}

describe.skipIf(program === null)('the trainer in a worker of Chromium', () => {
  const closing: (() => Promise<unknown>)[] = [];
  let page: Page;

  beforeAll(async () => {
    await startBackend();
    const folder = await tempFolder();
    const served = await servePage(join(folder.path, 'pages'));
    const profile = mkdtempSync(join(tmpdir(), 'consilium-chromium-'));
    const context: BrowserContext = await chromium.launchPersistentContext(profile, {
      executablePath: program!,
      headless: true,
      args: [...chromiumFlags],
    });
    closing.push(
      () => context.close(),
      async () => rmSync(profile, { recursive: true, force: true }),
      served.close,
      () => folder.remove(),
    );
    page = await context.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(served.url);
    await page.waitForSelector('html[data-ready]', { state: 'attached' }).catch((cause: unknown) => {
      throw new Error(`the page does not begin: ${errors.join('; ')}`, { cause });
    });
  }, 300_000);

  afterAll(async () => {
    for (const close of closing) await close();
  }, 60_000);

  const ask = <T>(method: string, ...given: readonly unknown[]): Promise<T> =>
    page.evaluate(
      ([name, args]) =>
        (globalThis as unknown as { trainer: Record<string, (...all: unknown[]) => Promise<T>> }).trainer[
          name as string
        ]!(...(args as unknown[])),
      [method, given] as const,
    );

  it.each<JobName>(['dense', 'cnn'])('trains a round to the weights that Node trains: %s', async (name) => {
    const job = jobOf(name, 0);
    const here = trainStep(job, osRandom());
    const there = await ask<Trained>('train', name, 0);
    const [found, expected] = [weightsAfter(job, hexToBytes(there.update)), weightsAfter(job, here.update)];
    const moved = expected.reduce(
      (most, weight, at) => Math.max(most, Math.abs(weight - job.weights[at]!)),
      0,
    );
    expect(moved).toBeGreaterThan(1e-3);
    for (const [at, weight] of found.entries())
      expect(Math.abs(weight - expected[at]!)).toBeLessThanOrEqual(1e-5);
    expect(there.loss).toBeCloseTo(here.loss, 5);
    expect(there.clippedShare).toBe(here.clippedShare);
  });

  it('adds noise of its own to each update', async () => {
    const [one, other] = [
      await ask<Trained>('train', 'dense', 65_536),
      await ask<Trained>('train', 'dense', 65_536),
    ];
    const job = jobOf('dense', 65_536);
    for (const { update } of [one, other]) {
      const weights = weightsAfter(job, hexToBytes(update));
      const variance =
        weights.reduce((sum, weight, at) => sum + (weight - job.weights[at]!) ** 2, 0) / weights.length;
      // σC/N with C = 1, the gradients beside it: below 1.
      expect(variance * job.y.length ** 2).toBeGreaterThan(0.8);
      expect(variance * job.y.length ** 2).toBeLessThan(2.5);
    }
    expect(one.update).not.toBe(other.update);
  });

  it('refuses and ends as under Node', async () => {
    expect(await ask('refusal', 'cnn')).toBe('bad-job');
    expect(await ask('closed', 'cnn')).toBe('closed');
    expect(await ask<Trained>('train', 'dense', 0)).toMatchObject({ clippedShare: expect.any(Number) });
  });
});
