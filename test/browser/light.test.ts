import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readState, transactionHash } from '../../chain/index.js';
import { eraOf } from '../../consensus/index.js';
import { closedRoundCell, ledgerCell } from '../../contracts/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { createMemoryNetwork } from '../../net/index.js';
import { startRpcServer } from '../../node/rpc/index.js';
import {
  createTestChain,
  dataset,
  playRound,
  startTask,
  type TestChain,
  taskSpec,
} from '../support/chain.js';
import { type Lie, lieOf, startProxy } from '../support/lyingProxy.js';
import { openNode, tempFolder, writeChain } from '../support/network.js';
import { bundlePage } from './bundle.js';
import { chromiumFlags, findChromium } from './chromium.js';
import type { Shown, Wanted } from './page.js';

const program = findChromium();
if (program === null) {
  console.log(
    'browser: skipped: there is no Chromium here (CHROMIUM=path names one; apt-get install chromium)',
  );
}

const ERA = 3;
const ROUNDS = 2;

/** A task over several eras, with all its rounds. */
function trainedChain(): TestChain {
  const test = createTestChain({ params: { eraHeights: ERA } });
  startTask(test, taskSpec({ rounds: ROUNDS }));
  for (let round = 1; round <= ROUNDS; round += 1) playRound(test);
  while (eraOf(test.tip.height, ERA) < 3) test.block([]);
  return test;
}

/** A running node with that chain on disk, and its RPC, which serves the page. */
async function startNode(test: TestChain, folder: string, pages: string) {
  const [who] = test.validators;
  const path = join(folder, 'data');
  await writeChain(test, path);
  const { node, store, failures } = await openNode({
    chain: test.chain,
    who: who!,
    path,
    transport: createMemoryNetwork().transport(who!.secret),
  });
  await node.start();
  const bugs: unknown[] = [];
  const server = await startRpcServer({
    context: {
      chainId: test.chain.chainId,
      genesisText: JSON.stringify(test.genesis),
      nodeName: who!.name,
      publicKey: node.publicKey,
      head: () => node.tip,
      store,
      submit: (transaction, payloads) => node.submit(transaction, payloads),
      pending: (hash) => node.pending(hash),
      waitForChange: (since, timeoutMs) => node.waitForChange(since, timeoutMs),
      peers: () => [],
      agreement: () => node.agreement(),
      health: () => node.health(),
      metrics: () => node.metrics(),
      approve: (terms) => node.approve(terms),
    },
    port: 0,
    pages,
    onBug: (_, error) => bugs.push(error),
  });
  const close = async () => {
    await server.close();
    await node.close();
    expect([bugs, failures]).toEqual([[], []]);
  };
  return { url: server.url, close };
}

describe.skipIf(program === null)('the light client in Chromium', () => {
  const test = trainedChain();
  const device = test.devices[0]!;
  const sent = test.blocks
    .flatMap(({ block }) => block.transactions)
    .filter(({ method, from }) => method === 'update' && Buffer.compare(from, device.publicKey) === 0);
  const wanted: Wanted = {
    genesisText: JSON.stringify(test.genesis),
    chainId: bytesToHex(test.chain.chainId),
    update: bytesToHex(transactionHash(sent[0]!)),
    device: bytesToHex(device.publicKey),
    dataset: bytesToHex(dataset),
    task: 1,
    round: 1,
  };
  const closing: (() => Promise<unknown>)[] = [];
  let context: BrowserContext;
  let page: Page;
  let proxy: Awaited<ReturnType<typeof startProxy>>;

  beforeAll(async () => {
    const folder = await tempFolder();
    const pages = join(folder.path, 'pages');
    const size = await bundlePage(pages);
    console.log(`browser: the light client has ${size.bytes} bytes bundled, ${size.gzipped} gzipped`);
    writeFileSync(
      join(pages, 'index.html'),
      '<!doctype html><title>light</title><script type="module" src="/assets/page.js"></script>',
    );
    const node = await startNode(test, folder.path, pages);
    proxy = await startProxy(node.url);
    const profile = mkdtempSync(join(tmpdir(), 'consilium-chromium-'));
    context = await chromium.launchPersistentContext(profile, {
      executablePath: program!,
      headless: true,
      args: [...chromiumFlags],
    });
    closing.push(
      () => context.close(),
      async () => rmSync(profile, { recursive: true, force: true }),
      () => proxy.close(),
      () => node.close(),
      () => folder.remove(),
    );
    page = await open(node.url);
  }, 120_000);

  afterAll(async () => {
    for (const close of closing) await close();
  }, 60_000);

  /** A page that has loaded without an error. */
  async function open(url: string): Promise<Page> {
    const opened = await context.newPage();
    const errors: string[] = [];
    opened.on('pageerror', (error) => errors.push(error.message));
    await opened.goto(url);
    await opened.waitForSelector('html[data-ready]', { state: 'attached' }).catch((cause: unknown) => {
      throw new Error(`the page does not begin: ${errors.join('; ')}`, { cause });
    });
    return opened;
  }
  const ask = (from: Page, what: Wanted = wanted): Promise<Shown> =>
    from.evaluate(
      (given) =>
        (globalThis as unknown as { proveOrRefuse(w: unknown): Promise<never> }).proveOrRefuse(given),
      what,
    );

  it('follows to the head over eras by certificates alone', async () => {
    expect(eraOf(test.tip.height, ERA)).toBeGreaterThanOrEqual(3);
    const { proved, refused } = await ask(page);
    expect(refused).toBeNull();
    expect(proved!.head).toEqual({ height: test.tip.height, hash: bytesToHex(test.tip.hash) });
  });

  it('proves an update’s block and verdict, its device’s ledger and the model of its round', async () => {
    const { transaction, budget, model } = (await ask(page)).proved!;
    const state = readState(test.tip.state);
    const closed = closedRoundCell.get(state, 1, 1)!;
    const verdict = closed.verdicts.find((each) => bytesToHex(each.device) === wanted.device)!;
    expect(transaction).toMatchObject({
      kind: 'transaction',
      ok: true,
      from: wanted.device,
      update: { task: 1, round: 1, closed: true, verdict: { ...verdict, device: wanted.device } },
    });
    const ledger = ledgerCell.get(state, wanted.device, wanted.dataset)!;
    expect(budget).toMatchObject({
      complete: true,
      declared: 1,
      ledgers: [{ rhoSpent: `${ledger.rhoSpent}`, charges: ROUNDS }],
    });
    expect(model).toMatchObject({
      closed: { status: 'closed', model: { id: bytesToHex(closed.weights.id) } },
    });
  });

  const lies: readonly (readonly [string, string, Lie])[] = [
    ['a certificate with one bit turned', 'bad-signature', lieOf.certificate],
    ['an era left out', 'skips-era', lieOf.eraLeftOut],
    ['another ledger, verdict or model', 'not-in-state', lieOf.state],
    ['the state of an earlier height', 'not-in-state', lieOf.earlierState],
    ['a transaction with one bit turned', 'not-in-block', lieOf.transaction],
    ['something of another shape', '1202', { method: 'proof.state', alter: () => ({ entries: 'none' }) }],
  ];

  it.each(lies)('refuses %s', async (_, code, lie) => {
    const lied = await open(proxy.url);
    proxy.lieAbout(null);
    expect((await ask(lied)).refused).toBeNull();
    proxy.lieAbout(lie);
    expect((await ask(lied)).refused).toMatchObject({ code });
    proxy.lieAbout(null);
    await lied.close();
  });

  it('refuses the genesis of another chain', async () => {
    const other = JSON.stringify({ ...test.genesis, name: 'another' });
    expect((await ask(page, { ...wanted, genesisText: other })).refused).toMatchObject({
      message: 'another genesis',
    });
  });

  it('may load nothing from elsewhere, and asks no other node', async () => {
    const status = (url: string) =>
      page.evaluate(
        (to) =>
          fetch(to, { method: 'POST', body: '{}', mode: 'no-cors' }).then(
            ({ status }) => status,
            () => 'blocked',
          ),
        url,
      );
    expect(await status(proxy.url)).toBe('blocked');
  });
});
