import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CarBlockIterator, CarWriter } from '@ipld/car';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import type { ReplayEntry } from '../../audit/index.js';
import { decodeBlock, payloadChunks } from '../../chain/index.js';
import { equalBytes, sha256 } from '../../crypto/index.js';
import { ExportError } from './error.js';

const DAG_CBOR = 0x71;
const RAW = 0x55;
const SHA2_256 = 0x12;

function cidOf(codec: number, bytes: Uint8Array): CID {
  return CID.createV1(codec, createDigest(SHA2_256, sha256(bytes)));
}

/**
 * Writes a chain as a CAR file, as it comes: for each height its block, its certificate (both DAG-CBOR), then
 * the chunks of the payloads that it announces (raw). The root is the last block.
 *
 * Written beside the target and renamed when complete, so a half-written file never has the asked-for name.
 */
export async function writeCar(
  file: string,
  lastBlock: Uint8Array,
  entries: AsyncIterable<ReplayEntry>,
): Promise<void> {
  const partial = `${file}.partial`;
  const { writer, out } = CarWriter.create([cidOf(DAG_CBOR, lastBlock)]);
  const written = pipeline(Readable.from(out), createWriteStream(partial));
  written.catch(() => {});
  try {
    for await (const entry of entries) {
      await put(writer, written, DAG_CBOR, entry.block);
      await put(writer, written, DAG_CBOR, entry.certificate);
      for (const chunk of entry.payloads.flatMap(payloadChunks)) await put(writer, written, RAW, chunk);
    }
    await writer.close();
    await written;
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** A write that also ends when the disk refuses, instead of waiting for a reader that is gone. */
async function put(
  writer: { put(block: { cid: CID; bytes: Uint8Array }): Promise<void> },
  written: Promise<void>,
  codec: number,
  bytes: Uint8Array,
): Promise<void> {
  await Promise.race([writer.put({ cid: cidOf(codec, bytes), bytes }), written]);
}

/**
 * Reads a CAR file height by height; every block's bytes are hashed and compared with its CID.
 *
 * Throws ExportError: "not-an-export", "wrong-bytes", "cut-short", "disorder". Memory: one height.
 */
export async function* readCar(file: string): AsyncGenerator<ReplayEntry> {
  const blocks = checkedBlocks(file);
  const root = (await blocks.next()).value as CID;
  let last: CID | null = null;
  let item = await blocks.next();
  while (!item.done) {
    const { cid, bytes: block } = item.value as CarBlock;
    if (cid.code !== DAG_CBOR) throw new ExportError('disorder', 'a chunk stands where a block should');
    last = cid;
    const certificate = (await blocks.next()).value as CarBlock | undefined;
    if (certificate === undefined) throw new ExportError('cut-short', 'the file ends before a certificate');
    const sizes = sizesOf(block);
    const payloads: Uint8Array[] = [];
    for (const size of sizes) payloads.push(await readPayload(blocks, size));
    yield { block, certificate: certificate.bytes, payloads };
    item = await blocks.next();
  }
  if (last === null || !last.equals(root)) {
    throw new ExportError('cut-short', 'the file ends before the block that its header names as the last');
  }
}

interface CarBlock {
  readonly cid: CID;
  readonly bytes: Uint8Array;
}

/** First the root, then the blocks. */
async function* checkedBlocks(file: string): AsyncGenerator<CID | CarBlock> {
  const iterator = await openCar(file);
  const [root] = await iterator.getRoots();
  if (root === undefined) throw new ExportError('not-an-export', `${file} names no last block`);
  yield root;
  try {
    for await (const { cid, bytes } of iterator) {
      if (cid.multihash.code !== SHA2_256 || !equalBytes(cid.multihash.digest, sha256(bytes))) {
        throw new ExportError('wrong-bytes', `the bytes stored for ${cid.toString()} are others`);
      }
      yield { cid, bytes };
    }
  } catch (error) {
    if (error instanceof ExportError) throw error;
    throw new ExportError('cut-short', `the file cannot be read on: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function openCar(file: string): Promise<CarBlockIterator> {
  try {
    return await CarBlockIterator.fromIterable(createReadStream(file));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new ExportError('not-found', `there is no file ${file}`, { cause: error });
    throw new ExportError('not-an-export', `${file} is not a chain export: ${message}`, { cause: error });
  }
}

async function readPayload(blocks: AsyncGenerator<CID | CarBlock>, size: number): Promise<Uint8Array> {
  const payload = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const { value } = await blocks.next();
    if (value === undefined) throw new ExportError('cut-short', 'the file ends inside a payload');
    const { cid, bytes } = value as CarBlock;
    if (cid.code !== RAW || bytes.length === 0 || at + bytes.length > size) {
      throw new ExportError('disorder', 'something else stands where a chunk of a payload should');
    }
    payload.set(bytes, at);
    at += bytes.length;
  }
  return payload;
}

/** Sizes of the payloads that a block announces; none if it does not decode, which the replay then finds. */
function sizesOf(block: Uint8Array): readonly number[] {
  try {
    return decodeBlock(block).transactions.flatMap(({ payloads }) => payloads.map(({ size }) => size));
  } catch {
    return [];
  }
}
