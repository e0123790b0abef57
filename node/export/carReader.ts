import { concatBytes, equalBytes, sha256 } from '../../crypto/index.js';
import { DAG_CBOR, RAW } from './cid.js';
import { ExportError } from './error.js';

/** A block of a CAR file whose bytes are those that its CID names. */
export interface Section {
  readonly codec: typeof DAG_CBOR | typeof RAW;
  /** A buffer of its own, not a view of what was read. */
  readonly bytes: Uint8Array;
}

/** Far above a chain's largest block (1 MiB) and a record of the largest state value; a length that lies stops here. */
const SECTION_BYTES_MAX = 2 * 1024 * 1024 + 1024;
const VARINT_BYTES_MAX = 4;
/** Version 1, codec, SHA-256, 32 bytes: the only form of a CID in a chain export. */
const CID_BYTES = 36;
/** `{"roots": [CID], "version": 1}` in DAG-CBOR, before and after the CID. */
const HEADER_FRONT = Uint8Array.from([
  0x3a,
  0xa2,
  0x65,
  ...Buffer.from('roots'),
  0x81,
  0xd8,
  0x2a,
  0x58,
  CID_BYTES + 1,
  0x00,
  0x01,
  DAG_CBOR,
  0x12,
  0x20,
]);
const HEADER_BACK = Uint8Array.from([0x67, ...Buffer.from('version'), 0x01]);
const DIGEST_BYTES = 32;

export interface CarSections {
  /** SHA-256 that the header's root names: of the last block's bytes. */
  readonly root: Uint8Array;
  readonly sections: AsyncGenerator<Section>;
}

/**
 * Reads a CAR file (version 1) as chain exports write it: one root, DAG-CBOR and raw blocks, each hashed with SHA-256
 * and compared. Stricter than the format, so that no byte of a file is without meaning.
 *
 * Throws ExportError: "not-an-export" (header), "wrong-bytes", "cut-short", "disorder". Memory: one section.
 * Source: https://ipld.io/specs/transport/car/carv1/
 */
export async function readSections(chunks: AsyncIterable<Uint8Array>): Promise<CarSections> {
  const source = createSource(chunks);
  const header = await source.take(HEADER_FRONT.length + DIGEST_BYTES + HEADER_BACK.length);
  const back = HEADER_FRONT.length + DIGEST_BYTES;
  const isOurs =
    header !== null &&
    equalBytes(header.subarray(0, HEADER_FRONT.length), HEADER_FRONT) &&
    equalBytes(header.subarray(back), HEADER_BACK);
  if (!isOurs) throw new ExportError('not-an-export', 'it does not begin as a chain export does');
  return { root: header.slice(HEADER_FRONT.length, back), sections: sectionsOf(source) };
}

async function* sectionsOf(source: Source): AsyncGenerator<Section> {
  for (;;) {
    const length = await readLength(source);
    if (length === null) return;
    const section = await source.take(length);
    if (section === null) throw new ExportError('cut-short', 'the file ends inside a block');
    const codec = section[1];
    const isCid =
      section[0] === 0x01 &&
      (codec === DAG_CBOR || codec === RAW) &&
      section[2] === 0x12 &&
      section[3] === 0x20;
    if (!isCid) throw new ExportError('disorder', 'a block has a name of another kind');
    const bytes = section.slice(CID_BYTES);
    if (!equalBytes(section.subarray(4, CID_BYTES), sha256(bytes)))
      throw new ExportError('wrong-bytes', 'the bytes stored for a block are others than its name says');
    yield { codec: codec as Section['codec'], bytes };
  }
}

/** The length of the next section; null at the end of the file. */
async function readLength(source: Source): Promise<number | null> {
  let length = 0;
  for (let i = 0; i < VARINT_BYTES_MAX; i += 1) {
    const byte = (await source.take(1))?.[0];
    if (byte === undefined) {
      if (i === 0) return null;
      throw new ExportError('cut-short', 'the file ends inside a length');
    }
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte >= 0x80) continue;
    const isShortest = byte !== 0 || i === 0;
    if (!isShortest || length <= CID_BYTES || length > SECTION_BYTES_MAX) break;
    return length;
  }
  throw new ExportError('disorder', 'a block has a length that no export has');
}

interface Source {
  /** The next bytes; null if there are not so many left. A view: valid until the next call. */
  take(length: number): Promise<Uint8Array | null>;
}

function createSource(chunks: AsyncIterable<Uint8Array>): Source {
  const iterator = chunks[Symbol.asyncIterator]();
  let buffer: Uint8Array = new Uint8Array(0);
  let at = 0;
  async function fill(length: number): Promise<boolean> {
    const parts = [buffer.subarray(at)];
    let have = buffer.length - at;
    while (have < length) {
      const { value, done } = await iterator.next();
      if (done === true) break;
      parts.push(value);
      have += value.length;
    }
    buffer = concatBytes(...parts);
    at = 0;
    return have >= length;
  }
  return {
    take: async (length) => {
      if (buffer.length - at < length && !(await fill(length))) return null;
      at += length;
      return buffer.subarray(at - length, at);
    },
  };
}
