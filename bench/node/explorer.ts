import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { chromiumFlags, findChromium } from '../../test/browser/chromium.js';
import { root } from '../../test/support/root.js';
import { startConsilium } from '../load/consilium.js';
import { drive } from '../load/drive.js';
import type { System } from '../load/system.js';
import { median, type Row, within } from '../row.js';

const FIRST_PAINT_S = 1;
const LONG_TASK_MS = 100;
const PAINTS = 5;
const BLOCK_EVERY_MS = 100;
const PATIENCE_MS = 60_000;
/** The views on which something moves with every block. */
const views = { network: '', blocks: 'blocks' } as const;

/** What a reader of the rows sees where the page cannot be measured; neither goal counts as met or missed. */
function skipped(why: string): readonly Row[] {
  return ['explorer, first paint', 'explorer, longest task'].map((name) => ({
    name,
    value: 0,
    unit: '(skipped)',
    goal: null,
    met: null,
    reference: `not measured: ${why}`,
  }));
}

/**
 * The explorer of one node of four, in Chromium on the same machine: first contentful paint from an empty cache, and
 * the longest task while a block comes every 100 ms, made by one transaction each.
 */
export async function explorerRows(seconds: number): Promise<readonly Row[]> {
  const program = findChromium();
  if (program === null) return skipped('there is no Chromium here (CHROMIUM names one elsewhere)');
  if (!existsSync(join(root, 'dist', 'explorer-page', 'index.html')))
    return skipped('the page is not built: npm run build:explorer');
  const system = await startConsilium({
    validators: 4,
    accounts: Object.keys(views).length,
    profileDir: null,
  });
  const temporary = mkdtempSync(join(tmpdir(), 'consilium-bench-page-'));
  try {
    const browser = await chromium.launch({
      executablePath: program,
      headless: true,
      args: [...chromiumFlags],
      timeout: PATIENCE_MS,
      artifactsDir: temporary,
    });
    try {
      return [await firstPaint(browser, system.urls[0]!), ...(await streamed(browser, system, seconds))];
    } finally {
      await browser.close();
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
    await system.close();
  }
}

async function firstPaint(browser: Browser, url: string): Promise<Row> {
  const paints: number[] = [];
  for (let nth = 0; nth < PAINTS; nth += 1) {
    const page = await open(browser, url);
    paints.push((await seen(page)).firstPaintMs / 1_000);
    await page.context().close();
  }
  const each = paints.map((paint) => paint.toFixed(2)).join(', ');
  return within('explorer, first paint', median(paints), 's', '<', FIRST_PAINT_S, {
    reference: `first contentful paint, empty cache, loopback; median of ${each}`,
  });
}

async function streamed(browser: Browser, system: System, seconds: number): Promise<readonly Row[]> {
  const count = Math.round((1_000 * seconds) / BLOCK_EVERY_MS);
  const rows: Row[] = [];
  const routes = Object.entries(views);
  for (const [account, [name, route]] of routes.entries()) {
    const shape = { kind: 'light', account, everyMs: BLOCK_EVERY_MS, count } as const;
    const page = await open(browser, `${system.urls[0]}/#/${route}`);
    await page.evaluate(() => {
      (globalThis as unknown as Watched).longTasks.length = 0; // those of loading are first paint's
    });
    const { blocks, seconds: took } = await drive(
      system,
      { accounts: routes.length, classes: 0, shape },
      null,
    );
    const { longTasksMs } = await seen(page);
    await page.context().close();
    const rate = (blocks / took).toFixed(1);
    rows.push(
      within(`explorer, longest task, view ${name}`, Math.max(0, ...longTasksMs), 'ms', '<=', LONG_TASK_MS, {
        reference: `${rate} blocks a second for ${took.toFixed(0)} s; ${longTasksMs.length} tasks above the 50 ms from which a browser tells, else 0`,
      }),
    );
  }
  return rows;
}

/** What the page keeps for us. */
interface Watched {
  longTasks: number[];
}

/** A page in a context of its own, so that nothing is cached, with its long tasks counted from the first moment. */
async function open(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1_100, height: 800 } });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  await page.addInitScript(() => {
    const { PerformanceObserver: Observer } = globalThis as unknown as {
      PerformanceObserver: new (
        seen: (list: { getEntries(): readonly { duration: number }[] }) => void,
      ) => { observe(what: { type: string; buffered: boolean }): void };
    };
    const longTasks: number[] = [];
    Object.assign(globalThis, { longTasks });
    const add = (list: { getEntries(): readonly { duration: number }[] }) => {
      for (const { duration } of list.getEntries()) longTasks.push(duration);
    };
    new Observer(add).observe({ type: 'longtask', buffered: true });
  });
  await page.goto(url);
  await page.locator('main h2').first().waitFor();
  return page;
}

async function seen(page: Page): Promise<{ firstPaintMs: number; longTasksMs: readonly number[] }> {
  await page.waitForFunction(
    () => performance.getEntriesByName('first-contentful-paint').length > 0,
    undefined,
    { timeout: PATIENCE_MS },
  );
  return page.evaluate(() => ({
    firstPaintMs: performance.getEntriesByName('first-contentful-paint')[0]!.startTime,
    longTasksMs: [...(globalThis as unknown as Watched).longTasks],
  }));
}
