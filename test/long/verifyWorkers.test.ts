import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReplayEntry } from '../../audit/index.js';
import {
  type Block,
  decodeBlock,
  decodeCertificate,
  encodeBlock,
  encodeCertificate,
} from '../../chain/index.js';
import type { TestChain } from '../support/chain.js';
import { type ExportedFiles, exportFiles, trainedChain } from '../support/exportedChain.js';

/** The built files: a worker thread is started from them, so `npm run build` comes first (npm test does it). */
const dist = (path: string) => import(new URL(`../../dist/${path}`, import.meta.url).href);
const { verifyExport }: typeof import('../../node/export/index.js') = await dist('node/export/index.js');
const { createProofPool }: typeof import('../../node/export/proofPool.js') =
  await dist('node/export/proofPool.js');

let test: TestChain;
const made: ExportedFiles[] = [];
beforeAll(() => {
  test = trainedChain();
});
afterAll(() => {
  for (const { remove } of made) remove();
});

/** An export whose entries at some heights are changed. */
async function exporting(changes: Readonly<Record<number, (entry: ReplayEntry) => ReplayEntry>> = {}) {
  const entries = test.entries.map((entry, i) => changes[i + 1]?.(entry) ?? entry);
  const files = await exportFiles(test, entries);
  made.push(files);
  return files;
}

/** The report without what differs from run to run. */
async function reportOf(files: Pick<ExportedFiles, 'file' | 'genesisFile'>, threads: number) {
  const { source: _, ...report } = await verifyExport({ ...files, threads });
  return report;
}

const flip = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
const withHeader =
  (change: (header: Block['header']) => Partial<Block['header']>) => (entry: ReplayEntry) => {
    const block = decodeBlock(entry.block);
    return {
      ...entry,
      block: encodeBlock({ ...block, header: { ...block.header, ...change(block.header) } }),
    };
  };
const badProof = withHeader(({ seedProof }) => ({ seedProof: flip(seedProof!, 40) }));
const badState = withHeader(({ stateRoot }) => ({ stateRoot: flip(stateRoot, 0) }));
const badSignature = (entry: ReplayEntry): ReplayEntry => {
  const { chainId, ...certificate } = decodeCertificate(entry.certificate);
  const signatures = certificate.signatures.map((signature, i) => (i === 2 ? flip(signature, 5) : signature));
  return { ...entry, certificate: encodeCertificate(chainId, { ...certificate, signatures }) };
};

/** The first height from there on whose block a leader made. */
const led = (from: number): number =>
  test.blocks.findIndex(({ tip }) => tip.height >= from && tip.leader !== null) + 1;

describe('worker threads', () => {
  it('find that a good chain holds, and count the same', async () => {
    const files = await exporting();
    const parallel = await reportOf(files, 2);
    expect(parallel).toMatchObject({ ok: true, complete: true, checked: { seedProofs: expect.any(Number) } });
    expect(parallel).toEqual(await reportOf(files, 0));
  });

  it('name the same first thing as one thread does, though execution runs ahead', async () => {
    const cases: readonly [Parameters<typeof exporting>[0], number, string][] = [
      [{ [led(9)]: badProof }, led(9), 'wrong-seed'],
      [{ 1: badSignature }, 1, 'bad-certificate'],
      [{ [test.tip.height]: badSignature }, test.tip.height, 'bad-certificate'],
      [{ 1: badState }, 1, 'wrong-state'],
      [{ 30: badState }, 30, 'wrong-state'],
      // What execution finds first in time is not first in the chain.
      [{ 20: badSignature, 23: badState }, 20, 'bad-certificate'],
      [{ [led(20)]: badProof, [led(20) + 1]: badState }, led(20), 'wrong-seed'],
      [{ 20: badState, 21: badSignature }, 20, 'wrong-state'],
    ];
    for (const [changes, height, reason] of cases) {
      const files = await exporting(changes);
      const parallel = await reportOf(files, 2);
      expect(parallel.divergence, JSON.stringify(Object.keys(changes!))).toMatchObject({ height, reason });
      expect(parallel).toEqual(await reportOf(files, 0));
    }
  });

  it('settle everything before the place where a file breaks off', async () => {
    const files = await exporting();
    const bytes = readFileSync(files.file);
    for (const share of [0.2, 0.5, 0.9]) {
      const file = files.write('short.car', bytes.subarray(0, Math.floor(share * bytes.length)));
      const cut = { ...files, file };
      const parallel = await reportOf(cut, 2);
      expect(parallel.divergence).toMatchObject({ reason: 'cut-short', height: parallel.head.height + 1 });
      expect(parallel.head.height).toBeGreaterThan(0);
      expect(parallel).toEqual(await reportOf(cut, 0));
    }
  });

  it('whose thread ends say so, and nothing counts as checked', async () => {
    const files = await exporting();
    for (const [text, why] of [
      ['process.exit(3)', /exit code 3/],
      ['throw new Error("out of memory, say")', /out of memory, say/],
      [
        'import { parentPort } from "node:worker_threads"; parentPort.on("message", () => process.exit(4))',
        /exit code 4/,
      ],
    ] as const) {
      const program = pathToFileURL(files.write('worker.mjs', Buffer.from(text)));
      const pool = createProofPool(2, program);
      await expect(pool.check([])).rejects.toMatchObject({
        name: 'ExportError',
        code: 'worker-failed',
        message: expect.stringMatching(why),
      });
      await expect(pool.check([])).rejects.toMatchObject({ code: 'worker-failed' });
      await pool.close();
    }
  });
});
