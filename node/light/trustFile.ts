import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import {
  encodeStart,
  type LightChain,
  type LightHead,
  lightStart,
  START_BYTES_MAX,
} from '../../audit/light/index.js';
import { base64ToBytes, bytesToBase64, bytesToHex, hexToBytes } from '../../crypto/index.js';
import { ConfigError, readBounded } from '../config.js';
import type { KnownBlock, TrustPlace } from './session.js';

const hex32 = z.string().regex(/^[0-9a-f]{64}$/);
const place = z.strictObject({ height: z.number().int().min(0), hash: hex32 });
const schema = z.strictObject({
  version: z.literal(1),
  chainId: hex32,
  /** Where following began: the genesis (height 0, the chain id), or the block of --trust. */
  root: place,
  head: place,
  /** An encoded LightStart of the head. */
  start: z.string().max(START_BYTES_MAX * 2),
});

/** A file for the proved head. Throws ConfigError for one that cannot be used. */
export function trustFile(file: string): TrustPlace {
  return {
    read: (chain, root) => readTrust(file, chain, root),
    write: (chain, root, head) => writeTrust(file, chain, root, head),
  };
}

/**
 * The head that was saved, if it was followed from this root; null if there is no file, or one with another root.
 *
 * What it says is believed as far as its hash: whoever can write the file can choose what is trusted.
 * Throws ConfigError: a file that is not of this kind, of another chain, or not whole.
 */
function readTrust(file: string, chain: LightChain, root: KnownBlock): LightHead | null {
  const text = readIfThere(file);
  if (text === null) return null;
  const parsed = schema.safeParse(jsonOf(file, text));
  if (!parsed.success) throw new ConfigError('shape', file, 'this is no file of a light client; remove it');
  const { chainId, root: begun, head, start } = parsed.data;
  if (chainId !== bytesToHex(chain.chainId))
    throw new ConfigError('shape', file, 'it is of another chain; name another file, or remove it');
  if (begun.height !== root.height || begun.hash !== bytesToHex(root.hash)) return null;
  const raw = base64ToBytes(start);
  const known = { height: head.height, hash: hexToBytes(head.hash) };
  const read = raw === null ? null : lightStart(chain, known, raw);
  if (read === null || !read.ok) throw new ConfigError('shape', file, 'it is damaged; remove it');
  return read.head;
}

/** Whole or not at all: written beside, synced, renamed. A head at genesis is nothing to keep. */
function writeTrust(file: string, chain: LightChain, root: KnownBlock, head: LightHead): void {
  if (head.block === null) return;
  const start = encodeStart({ header: head.block.header, ring: head.ring });
  const text = JSON.stringify({
    version: 1,
    chainId: bytesToHex(chain.chainId),
    root: placeOf(root),
    head: placeOf(head),
    start: bytesToBase64(start),
  } satisfies z.infer<typeof schema>);
  const partial = `${file}.partial`;
  inFile(partial, 'w', (descriptor) => {
    writeSync(descriptor, `${text}\n`);
    fsyncSync(descriptor);
  });
  renameSync(partial, file);
  // The new name is on disk only once its folder is.
  inFile(dirname(file), 'r', fsyncSync);
}

function placeOf({ height, hash }: KnownBlock): z.infer<typeof place> {
  return { height, hash: bytesToHex(hash) };
}

function inFile(path: string, flags: string, work: (descriptor: number) => void): void {
  const descriptor = openSync(path, flags);
  try {
    work(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function readIfThere(file: string): string | null {
  try {
    return readBounded(file);
  } catch (error) {
    if (error instanceof ConfigError && error.code === 'missing-file') return null;
    throw error;
  }
}

function jsonOf(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigError('not-json', file, 'this is no file of a light client; remove it', { cause: error });
  }
}
