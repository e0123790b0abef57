import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CarBlockIterator } from '@ipld/car';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baseOf, createReplay, type ReplayBase, type ReplayEntry } from '../../../../audit/index.js';
import { bytesToHex, sha256 } from '../../../../crypto/index.js';
import { readCar } from '../../../../node/export/car.js';
import { verifyExport } from '../../../../node/export/index.js';
import type { TestChain } from '../../../support/chain.js';
import { type ExportedFiles, exportFiles, trainedChain } from '../../../support/exportedChain.js';
import { closedAt, prunedEntries, restsOf } from '../../../support/prunedChain.js';

let test: TestChain;
let end = 0;
let files: ExportedFiles;
const made: ExportedFiles[] = [];
beforeAll(async () => {
  test = trainedChain(4);
  end = test.tip.height;
  files = await exporting();
}, 60_000);
afterAll(() => {
  for (const { remove } of made) remove();
});

async function exporting(entries?: readonly ReplayEntry[], base?: ReplayBase): Promise<ExportedFiles> {
  const one = await exportFiles(test, entries, base);
  made.push(one);
  return one;
}

const hashAt = (height: number): string => bytesToHex(test.blocks[height - 1]!.hash);
const anchorAt = (height: number): string => `${height}:${hashAt(height)}`;

/** The state after a height, as an export of the range behind it carries it. */
function baseAt(height: number): ReplayBase {
  const replay = createReplay(test.chain);
  for (const entry of test.entries.slice(0, height)) expect(replay.take(entry)).toBeNull();
  const parentSeed = test.blocks[height - 2]!.tip.seed;
  return baseOf(replay.state, parentSeed, test.entries[height - 1]!);
}

describe('an exported chain', () => {
  it('is read by others as the CAR file that it is', async () => {
    const iterator = await CarBlockIterator.fromIterable(createReadStream(files.file));
    let count = 0;
    for await (const { cid, bytes } of iterator) {
      expect(bytesToHex(cid.multihash.digest)).toBe(bytesToHex(sha256(bytes)));
      count += 1;
    }
    const payloads = test.entries.reduce((sum, { payloads: some }) => sum + some.length, 0);
    expect(count).toBe(2 * end + payloads);
  });

  it('comes back as it was written', async () => {
    const read = [];
    for await (const entry of readCar(files.file)) read.push(entry);
    expect(read).toEqual(test.entries);
  });

  it('holds, and the report names file, genesis, versions and head', async () => {
    const heights: number[] = [];
    const { source, ...report } = await verifyExport({
      file: files.file,
      genesisFile: files.genesisFile,
      onProgress: ({ height, blocks, bytes, bytesTotal }) => {
        expect(blocks).toBe(height);
        expect(bytes).toBeLessThanOrEqual(bytesTotal);
        heights.push(height);
      },
    });
    expect(report).toMatchObject({ ok: true, complete: true, divergence: null, unchecked: [] });
    expect(report.range).toEqual({ from: 1, to: end });
    expect(report.head).toEqual({ height: end, hash: hashAt(end) });
    expect(report.chainId).toBe(bytesToHex(test.chain.chainId));
    expect(heights).toEqual(test.blocks.map((_, i) => i + 1));
    const bytes = readFileSync(files.file);
    expect(source).toMatchObject({ bytes: bytes.length, sha256: bytesToHex(sha256(bytes)) });
    expect(source.genesisSha256).toBe(bytesToHex(sha256(readFileSync(files.genesisFile))));
  });

  it('takes several anchors, and says which were met', async () => {
    const anchors = [anchorAt(7), `0:${bytesToHex(test.chain.chainId)}`, anchorAt(end)];
    const report = await verifyExport({ ...files, anchors });
    expect(report).toMatchObject({ ok: true, complete: true });
    expect(report.anchors.map(({ met }) => met)).toEqual([true, true, true]);
    expect(report.assumptions.join()).not.toContain('without an anchor');
    const below = await verifyExport({ ...files, anchors: [anchorAt(7)] });
    expect(below.assumptions.join()).toContain('above height 7');
    const wrong = await verifyExport({ ...files, anchors: [anchorAt(7), `9:${hashAt(8)}`] });
    expect(wrong).toMatchObject({ ok: false, divergence: { height: 9, reason: 'not-the-anchor' } });
    expect(wrong.anchors.map(({ met }) => met)).toEqual([true, false]);
    const beyond = await verifyExport({ ...files, anchors: [`${end + 1}:${hashAt(8)}`] });
    expect(beyond).toMatchObject({ ok: false, divergence: { height: end + 1 } });
  });

  it('gives the file’s hash also when it stopped at the first thing that is wrong', async () => {
    const bytes = readFileSync(files.file);
    bytes[200]! ^= 1;
    const file = files.write('altered.car', bytes);
    const report = await verifyExport({ ...files, file });
    expect(report).toMatchObject({ ok: false, divergence: { height: 1 } });
    expect(report.source.sha256).toBe(bytesToHex(sha256(bytes)));
  });

  it('throws only when there is nothing to audit', async () => {
    const { file, genesisFile, dir } = files;
    const code = (options: Parameters<typeof verifyExport>[0]) =>
      verifyExport(options).then(
        () => null,
        (error: { code: string }) => error.code,
      );
    expect(await code({ file: join(dir, 'none.car'), genesisFile })).toBe('not-found');
    expect(await code({ file: dir, genesisFile })).toBe('not-found');
    expect(await code({ file, genesisFile: join(dir, 'none.json') })).toBe('not-found');
    expect(await code({ file, genesisFile: files.write('bad.json', new Uint8Array(0)) })).toBe('bad-genesis');
    expect(await code({ file, genesisFile, anchors: ['1:2'] })).toBe('bad-anchor');
  });
});

describe('a range', () => {
  const FROM = 7;

  it('with its state holds to the end, if an anchor pins it', async () => {
    const range = await exporting(test.entries.slice(FROM - 1), baseAt(FROM - 1));
    for (const anchored of [FROM - 1, FROM, end]) {
      const report = await verifyExport({ ...range, from: FROM, anchors: [anchorAt(anchored)] });
      expect(report).toMatchObject({ ok: true, complete: true, range: { from: FROM, to: end } });
      expect(report.head.hash).toBe(hashAt(end));
      expect(report.assumptions.join()).toContain(`below height ${FROM}`);
    }
  });

  it('with its state and without an anchor is replayed, and its beginning is taken as given', async () => {
    const range = await exporting(test.entries.slice(FROM - 1), baseAt(FROM - 1));
    const report = await verifyExport({ ...range, from: FROM });
    expect(report).toMatchObject({ ok: true, complete: false, divergence: null });
    expect(report.checked.stateRoots).toBe(end - FROM + 1);
    expect(report.unchecked).toMatchObject([{ first: FROM - 1, what: 'the state that the range builds on' }]);
  });

  it('without its state is checked as far as links and signatures go, and says what was not', async () => {
    const range = await exporting(test.entries.slice(FROM - 1));
    const report = await verifyExport({ ...range, from: FROM, anchors: [anchorAt(end)] });
    expect(report).toMatchObject({ ok: true, complete: false, checked: { stateRoots: 0, committees: 0 } });
    const sent = test.blocks.slice(FROM - 1).flatMap(({ block }) => block.transactions);
    expect(report.checked.transactionSignatures).toBe(sent.length);
    expect(report.checked.blocks).toBe(end - FROM + 1);
    const named = report.unchecked.map(({ what }) => what).join();
    for (const what of ['committees', 'seeds', 'execution', 'state roots']) expect(named).toContain(what);
  });

  it('is no whole chain: it has to be asked for as what it is', async () => {
    const [whole, bare] = [
      await exporting(test.entries.slice(FROM - 1), baseAt(FROM - 1)),
      await exporting(test.entries.slice(FROM - 1)),
    ];
    expect(await verifyExport(bare)).toMatchObject({
      ok: false,
      divergence: { height: 1, reason: 'wrong-height' },
    });
    expect(await verifyExport(whole)).toMatchObject({
      ok: false,
      divergence: { height: 1, reason: 'wrong-height' },
    });
    expect(await verifyExport({ ...whole, from: 4 })).toMatchObject({
      ok: false,
      divergence: { reason: 'wrong-height' },
    });
    expect(await verifyExport({ ...bare, from: 4 })).toMatchObject({ ok: false, divergence: { height: 4 } });
    const early = await verifyExport({ ...whole, from: FROM, anchors: [anchorAt(3)] });
    expect(early).toMatchObject({ ok: false, divergence: { height: 3, reason: 'not-the-anchor' } });
  });

  it('whose state does not fit its block is refused, and what differs is named', async () => {
    const base = baseAt(FROM - 1);
    const ledger = [...base.state.keys()].find((key) => key.startsWith('privacy/ledger/'))!;
    const altered = new Map(base.state).set(
      ledger,
      base.state.get(ledger)!.map((byte, i) => (i === 30 ? byte ^ 1 : byte)),
    );
    const cases: readonly [Partial<ReplayBase>, RegExp][] = [
      [{ state: altered }, /^stateRoot$/],
      [{ state: new Map() }, /^stateRoot$/],
      // Another seed draws another leader, or by chance the same one.
      [{ parentSeed: new Uint8Array(32) }, /^(seed|leader)$/],
      [{ certificate: test.entries[FROM - 3]!.certificate }, /^certificate$/],
    ];
    for (const [change, key] of cases) {
      const range = await exporting(test.entries.slice(FROM - 1), { ...base, ...change });
      const report = await verifyExport({ ...range, from: FROM });
      expect(report, String(key)).toMatchObject({
        ok: false,
        divergence: { key: expect.stringMatching(key) },
      });
    }
  });
});

describe('pruned payloads', () => {
  it('are reported, with the rounds whose verdicts were taken over', async () => {
    const pruned = await exporting(await prunedEntries(test, restsOf(test, 2)));
    const { source: _, ...report } = await verifyExport(pruned);
    const { rounds } = report;
    expect(report).toMatchObject({
      ok: true,
      complete: false,
      divergence: null,
      range: { from: 1, to: end },
      checked: { stateRoots: end },
    });
    expect(rounds[0]).toMatchObject({ how: 'marked', from: 1, to: 2, lastHeight: closedAt(test, 2) });
    expect(rounds[1]).toMatchObject({ how: 'recomputed', from: 3, firstHeight: closedAt(test, 3) });
  });

  it('in a range without its state are reported too: the links are checked', async () => {
    const entries = await prunedEntries(test, restsOf(test, 2));
    const range = await exporting(entries.slice(2));
    const report = await verifyExport({ ...range, from: 3 });
    expect(report).toMatchObject({ ok: true, complete: false, divergence: null, rounds: [] });
    const absent = entries.flatMap(({ payloads }) => payloads).filter((one) => one === null).length;
    expect(report.unchecked).toContainEqual(expect.objectContaining({ what: 'payloads', count: absent }));
  });
});
