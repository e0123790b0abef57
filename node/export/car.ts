import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CarWriter } from '@ipld/car';
import type { ReplayBase, ReplayEntry } from '../../audit/index.js';
import { DecodeError, decodeBlock, limits, PAYLOAD_CHUNK_BYTES, payloadChunks } from '../../chain/index.js';
import { concatBytes, equalBytes, sha256 } from '../../crypto/index.js';
import { readSections, type Section } from './carReader.js';
import { cidOf, DAG_CBOR, RAW } from './cid.js';
import { ExportError } from './error.js';
import {
  decodeBase,
  decodeMarks,
  decodeState,
  encodeBase,
  encodeMarks,
  encodeState,
  isBaseRecord,
  isMarksRecord,
} from './records.js';

/** What an export holds, in its order: a base first, if it is a range with the state that it builds on. */
export type ExportItem =
  | { readonly kind: 'base'; readonly base: ReplayBase }
  | { readonly kind: 'entry'; readonly entry: ReplayEntry };

/**
 * Writes a chain as a CAR file, as it comes: for each height its block, its certificate (both DAG-CBOR), then the
 * chunks of its payloads (raw). Where something is pruned at the source, before the block: which payloads are absent,
 * the block's receipts (DAG-CBOR), and what marked closings made. The root is the last block.
 *
 * Written beside the target and renamed when complete, so a half-written file never has the asked-for name.
 */
export async function writeCar(
  file: string,
  chainId: Uint8Array,
  lastBlock: Uint8Array,
  items: AsyncIterable<ExportItem>,
): Promise<void> {
  const partial = `${file}.partial`;
  const { writer, out } = CarWriter.create([cidOf(DAG_CBOR, lastBlock)]);
  const written = pipeline(Readable.from(out), createWriteStream(partial));
  written.catch(() => {});
  try {
    for await (const item of items) {
      const sections =
        item.kind === 'base' ? baseSections(chainId, item.base) : sectionsOf(chainId, item.entry);
      for (const { codec, bytes } of sections) {
        // Also ends when the disk refuses, instead of waiting for a reader that is gone.
        await Promise.race([writer.put({ cid: cidOf(codec, bytes), bytes }), written]);
      }
    }
    await writer.close();
    await written;
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** One height. Exported for tests that alter files. */
export function* sectionsOf(chainId: Uint8Array, entry: ReplayEntry): Generator<Section> {
  const { block, certificate, payloads, receipts = [], made = [] } = entry;
  const absent = payloads.flatMap((payload, i) => (payload === null ? [i] : []));
  if (absent.length + receipts.length + made.length > 0) {
    const sizes = made.map(({ length }) => length);
    const marks = encodeMarks({ chainId, absent, receipts: receipts.length, made: sizes });
    for (const bytes of [marks, ...receipts]) yield { codec: DAG_CBOR, bytes };
    for (const bytes of made) yield* chunksOf(bytes);
  }
  yield { codec: DAG_CBOR, bytes: block };
  yield { codec: DAG_CBOR, bytes: certificate };
  for (const payload of payloads) if (payload !== null) yield* chunksOf(payload);
}

function* baseSections(chainId: Uint8Array, base: ReplayBase): Generator<Section> {
  const records = encodeState(chainId, base.state);
  const front = [encodeBase(chainId, base, records.length), base.block, base.certificate];
  for (const bytes of [...front, ...records]) yield { codec: DAG_CBOR, bytes };
  for (const payload of base.payloads) yield* chunksOf(payload);
}

function* chunksOf(payload: Uint8Array): Generator<Section> {
  for (const bytes of payloadChunks(payload)) yield { codec: RAW, bytes };
}

/**
 * Reads what `writeCar` wrote, height by height, from the bytes of a file. What the blocks say is not looked at, but
 * for the sizes of the payloads to come.
 *
 * Throws ExportError: "not-an-export", "wrong-bytes", "cut-short", "disorder". Memory: one height, or one base.
 */
export async function* readItems(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ExportItem> {
  const { root, sections } = await readSections(chunks);
  const reader = createReader(sections);
  let last: Uint8Array | null = null;
  let section = await reader.next();
  if (section !== null && section.codec === DAG_CBOR && isBaseRecord(section.bytes)) {
    yield { kind: 'base', base: await readBase(reader, section.bytes) };
    section = await reader.next();
  }
  while (section !== null) {
    const marks = await readMarks(reader, section);
    if (marks !== null) section = await reader.next();
    if (section === null)
      throw new ExportError('cut-short', 'the file ends before the block of marked inputs');
    if (section.codec !== DAG_CBOR) throw new ExportError('disorder', 'a chunk stands where a block should');
    last = sha256(section.bytes);
    yield { kind: 'entry', entry: await readEntry(reader, section.bytes, marks) };
    section = await reader.next();
  }
  if (last === null || !equalBytes(last, root)) {
    throw new ExportError('cut-short', 'the file ends before the block that its header names as the last');
  }
}

interface Marked {
  readonly chainId: Uint8Array;
  readonly absent: readonly number[];
  readonly receipts: readonly Uint8Array[];
  readonly made: readonly Uint8Array[];
}

/** What stands before a block of which something is pruned; null: it is a whole one. */
async function readMarks(reader: Reader, { codec, bytes }: Section): Promise<Marked | null> {
  if (codec !== DAG_CBOR || !isMarksRecord(bytes)) return null;
  const { chainId, absent, receipts: count, made: sizes } = decoded(() => decodeMarks(bytes));
  const receipts: Uint8Array[] = [];
  for (let i = 0; i < count; i += 1) receipts.push(await reader.record('a receipt'));
  const made: Uint8Array[] = [];
  for (const size of sizes) made.push(await reader.payload(size));
  return { chainId, absent, receipts, made };
}

async function readEntry(reader: Reader, block: Uint8Array, marks: Marked | null): Promise<ReplayEntry> {
  const certificate = await reader.record('a certificate');
  const { chainId, sizes } = announcedBy(block);
  const absent = new Set(marks?.absent);
  if (marks !== null && chainId !== null && !equalBytes(marks.chainId, chainId))
    throw new ExportError('disorder', 'the marked inputs are said to be of another chain than their block');
  // One order and no place twice: no byte of a file is without meaning.
  const isInOrder = [...absent].every(
    (place, i, all) => place < sizes.length && (i === 0 || all[i - 1]! < place),
  );
  if (!isInOrder || absent.size !== (marks?.absent.length ?? 0))
    throw new ExportError('disorder', 'payloads are said to be absent that the block does not announce');
  const payloads: (Uint8Array | null)[] = [];
  for (const [i, size] of sizes.entries()) payloads.push(absent.has(i) ? null : await reader.payload(size));
  const entry = { block, certificate, payloads };
  if (marks === null || marks.receipts.length + marks.made.length === 0) return entry;
  return { ...entry, receipts: marks.receipts, made: marks.made };
}

/** The heights of a file, without a base. As `readItems`. */
export async function* readCar(file: string): AsyncGenerator<ReplayEntry> {
  for await (const item of readItems(createReadStream(file))) if (item.kind === 'entry') yield item.entry;
}

async function readBase(reader: Reader, record: Uint8Array): Promise<ReplayBase> {
  const { height, parentSeed, records, payloads: sizes } = decoded(() => decodeBase(record));
  const block = await reader.record('the block that the range builds on');
  const certificate = await reader.record('a certificate');
  const state = new Map<string, Uint8Array>();
  for (let i = 0; i < records; i += 1) {
    const entries = await reader.record('a part of the state');
    for (const { key, value } of decoded(() => decodeState(entries))) {
      if (state.has(key)) throw new ExportError('disorder', `the state has ${key} twice`);
      state.set(key, value);
    }
  }
  const payloads: Uint8Array[] = [];
  for (const size of sizes) payloads.push(await reader.payload(size));
  return { height, block, certificate, parentSeed, state, payloads };
}

interface Reader {
  next(): Promise<Section | null>;
  /** A DAG-CBOR block, which has to be there. */
  record(what: string): Promise<Uint8Array>;
  payload(size: number): Promise<Uint8Array>;
}

function createReader(sections: AsyncGenerator<Section>): Reader {
  const next = async (): Promise<Section | null> => {
    const { value, done } = await sections.next();
    return done === true ? null : value;
  };
  return {
    next,
    record: async (what) => {
      const section = await next();
      if (section === null) throw new ExportError('cut-short', `the file ends before ${what}`);
      if (section.codec !== DAG_CBOR)
        throw new ExportError('disorder', `a chunk stands where ${what} should`);
      return section.bytes;
    },
    payload: async (size) => {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < size; at += PAYLOAD_CHUNK_BYTES) {
        const section = await next();
        if (section === null) throw new ExportError('cut-short', 'the file ends inside a payload');
        const expected = Math.min(PAYLOAD_CHUNK_BYTES, size - at);
        if (section.codec !== RAW || section.bytes.length !== expected)
          throw new ExportError('disorder', 'something else stands where a chunk of a payload should');
        chunks.push(section.bytes);
      }
      return chunks.length === 1 ? chunks[0]! : concatBytes(...chunks);
    },
  };
}

function decoded<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new ExportError('disorder', `a record of the export is malformed: ${error.message}`, {
      cause: error,
    });
  }
}

/**
 * Chain and sizes of the payloads of a block; none if it does not decode or announces more than any block may, which
 * the replay then finds.
 */
function announcedBy(block: Uint8Array): {
  readonly chainId: Uint8Array | null;
  readonly sizes: readonly number[];
} {
  try {
    const { header, transactions } = decodeBlock(block);
    const sizes = transactions.flatMap(({ payloads }) => payloads.map(({ size }) => size));
    const isTooMuch = sizes.reduce((sum, size) => sum + size, 0) > limits.payloadBytesPerBlockMax;
    return { chainId: header.chainId, sizes: isTooMuch ? [] : sizes };
  } catch {
    return { chainId: null, sizes: [] };
  }
}
