import type { ReplayEntry } from '../../../audit/index.js';
import { decodeCertificate } from '../../../chain/index.js';
import { concatBytes } from '../../../crypto/index.js';
import { sectionsOf } from '../../../node/export/car.js';
import { cidOf, type DAG_CBOR, type RAW } from '../../../node/export/cid.js';

/** A CAR file in pieces: its header, and the bytes of each height. */
export interface CarPieces {
  readonly header: Uint8Array;
  readonly heights: readonly Uint8Array[];
}

/** One block of a CAR file: its length, its name, its bytes. */
export function section(codec: typeof DAG_CBOR | typeof RAW, bytes: Uint8Array): Uint8Array {
  const cid = cidOf(codec, bytes).bytes;
  return concatBytes(varint(cid.length + bytes.length), cid, bytes);
}

/** An entry as an export holds it, its names computed anew. */
export function entryBytes(entry: ReplayEntry): Uint8Array {
  const isMarked = entry.receipts !== undefined || entry.payloads.includes(null);
  const chainId = isMarked ? decodeCertificate(entry.certificate).chainId : new Uint8Array(32);
  const sections = [...sectionsOf(chainId, entry)];
  return concatBytes(...sections.map(({ codec, bytes }) => section(codec, bytes)));
}

/** Cuts the file of a chain's export into its pieces. */
export function piecesOf(file: Uint8Array, entries: readonly ReplayEntry[]): CarPieces {
  const lengths = entries.map((entry) => entryBytes(entry).length);
  let at = file.length - lengths.reduce((sum, length) => sum + length, 0);
  const header = file.slice(0, at);
  const heights = lengths.map((length) => {
    at += length;
    return file.slice(at - length, at);
  });
  return { header, heights };
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Uint8Array.from([...bytes, left]);
    bytes.push((left % 128) + 128);
  }
}
