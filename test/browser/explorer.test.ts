import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lieOf, startProxy } from '../support/lyingProxy.js';
import { type Hospitals, PATIENCE_MS, pimaTask, provisionHospitals, root } from '../support/processes.js';
import { chromiumFlags, findChromium } from './chromium.js';

const program = findChromium();
const built = existsSync(join(root, 'dist', 'explorer-page', 'index.html'));
if (program === null) console.log('browser: the explorer is skipped: there is no Chromium here');
else if (!built) throw new Error('the explorer is not built: npm run build:explorer');

/** Where pictures for the README go; none are taken without it. */
const PICTURES = process.env.PICTURES;

const CLIP = { x: 0, y: 0, width: 1_100, height: 900 };
const ROUNDS = 6;
const title = 'Diabetes within five years';

describe.skipIf(program === null)('the explorer of a running network', () => {
  const closing: (() => Promise<unknown>)[] = [];
  const faults: string[] = [];
  const asked = new Set<string>();
  let hospitals: Hospitals;
  let context: BrowserContext;
  let page: Page;
  let url: string;
  let proxy: Awaited<ReturnType<typeof startProxy>>;

  beforeAll(async () => {
    hospitals = await provisionHospitals(4, 3, {}, { eraHeights: 4 });
    closing.push(() => hospitals.close());
    await hospitals.start();
    url = hospitals.clients[0]!.url;
    proxy = await startProxy(url);
    const profile = mkdtempSync(join(tmpdir(), 'consilium-chromium-'));
    context = await chromium.launchPersistentContext(profile, {
      executablePath: program!,
      headless: true,
      args: [...chromiumFlags],
      viewport: { width: 1_100, height: 800 },
    });
    context.setDefaultTimeout(PATIENCE_MS);
    closing.push(
      // Ended from the last to the first: the folder goes when its browser is gone, with what that writes at its end.
      async () => rmSync(profile, { recursive: true, force: true }),
      () => context.close(),
      () => proxy.close(),
    );
    page = await open(url);
  }, PATIENCE_MS);

  afterAll(async () => {
    for (const close of closing.reverse()) await close();
  }, 60_000);

  async function open(at: string): Promise<Page> {
    const opened = await context.newPage();
    opened.on('pageerror', (error) => faults.push(error.message));
    opened.on('request', (request) => asked.add(new URL(request.url()).origin));
    opened.on('websocket', (socket) => asked.add(new URL(socket.url()).origin.replace('ws', 'http')));
    await opened.goto(at);
    await opened.locator('main h2').first().waitFor();
    return opened;
  }

  const show = async (route: string, on = page) => {
    await on.evaluate((hash) => {
      (globalThis as unknown as { location: { hash: string } }).location.hash = hash;
    }, `#/${route}`);
  };

  async function picture(name: string): Promise<void> {
    if (PICTURES === undefined) return;
    mkdirSync(PICTURES, { recursive: true });
    await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true, clip: CLIP });
  }

  it('shows who validates, and who leads', async () => {
    await page.locator('.ring g').nth(3).waitFor();
    expect(await page.locator('.ring g').count()).toBe(4);
    for (const name of hospitals.names) await page.getByRole('cell', { name }).first().waitFor();
  });

  it('shows a task that was published by RPC, its rounds as they close, refused updates and why', async () => {
    await show('tasks');
    await page.getByText('None yet.').waitFor();
    const task = await hospitals.publish(
      pimaTask({
        title,
        devices: 12,
        quorum: 8,
        rounds: ROUNDS,
        verification: 'multi-krum',
        faulty: 3,
        deadlineMs: 60_000,
      }),
    );
    await page.getByRole('link', { name: title }).click();
    await page.getByRole('heading', { name: `Task ${task}: ${title}` }).waitFor();
    await page.getByText(`${ROUNDS} of ${ROUNDS} closed`).waitFor();
    await page.getByText('done', { exact: true }).waitFor();
    expect(await page.locator('.strip .refused').count()).toBe(3 * ROUNDS);
    await page.getByText('Refused updates, and why').click();
    const rows = page.locator('#refused tbody tr');
    expect(await rows.count()).toBe(3 * ROUNDS);
    expect(await rows.first().innerText()).toContain('farther from the others than the rule keeps');
    await page.getByText('Refused updates, and why').click();
    await picture('task');
  });

  it('measures the rounds’ models on rows that never leave the page', async () => {
    const bodies: number[] = [];
    page.on('request', (request) => bodies.push(request.postData()?.length ?? 0));
    await page.locator('input[type=file]').setInputFiles(join(root, 'datasets', 'pima.csv'));
    await page.getByText(`After round ${ROUNDS}: accuracy`).waitFor();
    expect(await page.getByText(/After round/).innerText()).toMatch(/accuracy [67]\d\.\d %.*on 768 rows/);
    expect(Math.max(...bodies)).toBeLessThan(500);
  });

  it('shows a device’s budget, and proves it in the browser', async () => {
    await page.locator('table').last().getByRole('link').first().click();
    await page.getByText(/ε [0-9.]+ of 6 spent for each record/).waitFor();

    await page.getByRole('link', { name: 'Check it without believing this node.' }).click();
    await page.getByRole('button', { name: 'take it' }).click();
    await page.getByRole('button', { name: 'Check' }).click();
    await page.locator('#finding').waitFor();
    expect(await page.locator('#finding').innerText()).toMatch(new RegExp(`${ROUNDS} charges`));
  });

  it('refuses a forged proof, and a node of another chain', async () => {
    const route = (
      await page.evaluate(() => (globalThis as unknown as { location: { hash: string } }).location.hash)
    ).slice(2);
    const lied = await open(proxy.url);
    proxy.lieAbout(lieOf.state);
    await show(route, lied);
    await lied.getByRole('button', { name: 'take it' }).click();
    await lied.getByRole('button', { name: 'Check' }).click();
    await lied.locator('#refusal').waitFor();
    expect(await lied.locator('#refusal').innerText()).toContain('not-in-state');
    expect(await lied.locator('#finding').count()).toBe(0);
    proxy.lieAbout(null);
    await lied.locator('input[name=chain]').fill('0'.repeat(64));
    await lied.getByRole('button', { name: 'Check' }).click();
    await lied.getByText('another-chain').waitFor();
    await lied.close();
  });

  it('draws reputation over eras, blocks as they come, and a block with its calls', async () => {
    await show('');
    await page.locator('.curve canvas').waitFor();
    await page.getByText('hospital-4').last().waitFor();

    await show('blocks');
    const { height } = await hospitals.clients[0]!.call('chain.status', {});
    await page.getByRole('link', { name: String(height), exact: true }).waitFor();
    await show('block/1');
    await page.getByRole('heading', { name: 'Block 1' }).waitFor();
  });

  it('fits a phone, in the dark, and works by keyboard', async () => {
    const phone = await open(url);
    await phone.setViewportSize({ width: 360, height: 740 });
    await phone.emulateMedia({ colorScheme: 'dark' });
    for (const route of ['', 'blocks', 'tasks', 'task/1', 'device', 'proof']) {
      await show(route, phone);
      await phone.locator('main h2').first().waitFor();
      const [width, ground] = await phone.evaluate(() => {
        const { document, getComputedStyle } = globalThis as unknown as {
          document: { documentElement: { scrollWidth: number }; body: object };
          getComputedStyle(of: object): { backgroundColor: string };
        };
        return [
          document.documentElement.scrollWidth,
          getComputedStyle(document.body).backgroundColor,
        ] as const;
      });
      expect([route, width]).toEqual([route, 360]);
      expect(ground).toBe('rgb(20, 24, 27)');
      // A table that has to be pushed aside hides its last column. Reasons of refusals are longer than a phone is wide.
      if (route === 'task/1') continue;
      const cut = await phone
        .locator('table')
        .evaluateAll(
          (tables) =>
            (tables as unknown as { scrollWidth: number; clientWidth: number }[]).filter(
              ({ scrollWidth, clientWidth }) => scrollWidth > clientWidth,
            ).length,
        );
      expect([route, cut]).toEqual([route, 0]);
    }
    await phone.keyboard.press('Tab');
    await phone.keyboard.press('Enter');
    expect(
      await phone.evaluate(
        () =>
          (globalThis as unknown as { document: { activeElement: { id: string } } }).document.activeElement
            .id,
      ),
    ).toBe('content');
    await phone.close();
  });

  it('asked nobody but its own node, and had no fault', () => {
    expect([...asked].sort()).toEqual([url, proxy.url].sort());
    expect(faults).toEqual([]);
  });
});
