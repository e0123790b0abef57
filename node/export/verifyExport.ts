import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { Anchor, AuditReport, AuditSource } from '../../audit/index.js';
import { bytesToHex, sha256, utf8ToBytes } from '../../crypto/index.js';
import { parseGenesis, startChain } from '../../genesis/index.js';
import packageJson from '../../package.json' with { type: 'json' };
import { auditItems } from './auditItems.js';
import { readItems } from './car.js';
import { ExportError } from './error.js';
import { createProofPool } from './proofPool.js';

export interface VerifyOptions {
  readonly file: string;
  readonly genesisFile: string;
  /** `height:hash` of blocks that the auditor knows from elsewhere. */
  readonly anchors?: readonly string[];
  /** First height of the file: 1, unless it is known to be a range. */
  readonly from?: number;
  /** Worker threads that check signatures and seeds' proofs beside this one. 0: none, this thread does it all. */
  readonly threads?: number;
  /** Called after each height. */
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly height: number;
  /** Heights that were checked so far. */
  readonly blocks: number;
  /** Bytes of the file that were read, of so many. */
  readonly bytes: number;
  readonly bytesTotal: number;
}

/** The audit's report, and what it is about. */
export interface VerifiedExport extends AuditReport {
  readonly source: AuditSource;
}

/**
 * Audits an exported chain against a genesis file: no network, nothing believed.
 *
 * A chain that is wrong is a report with a divergence; so is a file that is cut short or altered. Throws
 * ExportError only when there is nothing to audit ("not-found", "bad-genesis", "bad-anchor"), or when a worker ended
 * ("worker-failed").
 * Memory: the state, open rounds, and a bounded part of the file, however long it is.
 */
export async function verifyExport(options: VerifyOptions): Promise<VerifiedExport> {
  const begun = performance.now();
  const { genesisFile, threads = 0, from = 1 } = options;
  const text = await readText(genesisFile);
  const genesis = parseGenesis(text);
  if (!genesis.ok) throw new ExportError('bad-genesis', `${genesisFile}: ${genesis.detail}`);
  const anchors = (options.anchors ?? []).map(parseAnchor);
  const file = await openFile(options.file);
  const pool = threads === 0 ? null : createProofPool(threads);
  let blocks = 0;
  const onHeight = (height: number): void => {
    blocks += 1;
    options.onProgress?.({ height, blocks, bytes: file.bytes(), bytesTotal: file.bytesTotal });
  };
  try {
    const chain = startChain(genesis.genesis);
    const report = await auditItems({ chain, anchors, from, items: readItems(file.chunks), pool, onHeight });
    const hash = await file.finish();
    const source = {
      file: options.file,
      bytes: file.bytesTotal,
      sha256: hash,
      genesisFile,
      genesisSha256: bytesToHex(sha256(utf8ToBytes(text))),
      software: `consilium ${packageJson.version}`,
      runtime: `node ${process.version}, ${process.platform} ${process.arch}`,
      finishedAt: new Date().toISOString(),
      seconds: (performance.now() - begun) / 1_000,
    };
    return { ...report, source };
  } finally {
    await pool?.close();
    file.close();
  }
}

interface OpenFile {
  readonly bytesTotal: number;
  bytes(): number;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Reads what is left and gives the SHA-256 of all. */
  finish(): Promise<string>;
  close(): void;
}

async function openFile(path: string): Promise<OpenFile> {
  const bytesTotal = await sizeOf(path);
  const stream = createReadStream(path, { highWaterMark: 256 * 1024 });
  const iterator = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  const hash: Hash = createHash('sha256');
  let bytes = 0;
  async function* read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const { value, done } = await iterator.next().catch((error: unknown) => {
        throw new ExportError('not-found', `the file ${path} cannot be read`, { cause: error });
      });
      if (done === true) return;
      hash.update(value);
      bytes += value.length;
      yield value;
    }
  }
  return {
    bytesTotal,
    bytes: () => bytes,
    chunks: read(),
    finish: async () => {
      for await (const _ of read());
      return hash.digest('hex');
    },
    close: () => void stream.destroy(),
  };
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    throw new ExportError('not-found', `there is no file ${path}`, { cause: error });
  }
}

function parseAnchor(anchor: string): Anchor {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(anchor);
  if (match === null) throw new ExportError('bad-anchor', `an anchor is HEIGHT:HASH, not ${anchor}`);
  return { height: Number(match[1]), hash: match[2]! };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new ExportError('not-found', `the genesis file ${file} cannot be read`, { cause: error });
  }
}
