import {
  checkIdx,
  encodeIdxRows,
  IDX_HEADER_MAX,
  type IdxHeader,
  readIdxHeader,
  readIdxNumbers,
} from '../../fl/index.js';
import { batchRowsOf, type ReadOptions, type RowBatch } from './batch.js';
import { type ByteReader, createByteReader } from './bytes.js';
import { DataError } from './error.js';

/**
 * Reads a pair of IDX files batch by batch, in the memory of one batch. Problems name the row's number, from 1.
 *
 * Throws DataError "unreadable", "not-idx" (also for a file that is cut short or goes on after its end), "unfit".
 */
export async function* idxBatches(
  options: ReadOptions & { readonly labels: string },
): AsyncGenerator<RowBatch> {
  const { schema, seen, onProblem } = options;
  const images = await openIdx(options.file);
  const labels = await openIdx(options.labels).catch((error: unknown) => {
    images.close();
    throw error;
  });
  try {
    const problem = checkIdx(images.header, labels.header, schema);
    if (problem !== null) throw new DataError('unfit', options.file, problem.text);
    const rowsTotal = images.header.dimensions[0]!;
    const rowsMax = batchRowsOf(schema);
    for (let first = 0; first < rowsTotal; first += rowsMax) {
      const rows = Math.min(rowsMax, rowsTotal - first);
      const numbers = readIdxNumbers(images.header, await images.takeRows(rows));
      const own = readIdxNumbers(labels.header, await labels.takeRows(rows));
      const fits: (number | null)[] = Array.from({ length: rows }, () => 0);
      const { x, y } = encodeIdxRows(
        schema,
        numbers,
        own,
        first + 1,
        (found) => {
          if (found.kind === 'unknown-label') fits[found.line! - first - 1] = null;
          onProblem(found);
        },
        seen,
      );
      const none = Array.from({ length: rows }, () => null);
      const batchLabels = fits.map((label, row) => (label === null ? null : y[row]!));
      yield { x, labels: batchLabels, rows, subjects: none, sites: none, kept: none.map(() => []) };
    }
    await images.finish();
    await labels.finish();
  } finally {
    images.close();
    labels.close();
  }
}

interface OpenIdx {
  readonly header: IdxHeader;
  takeRows(rows: number): Promise<Uint8Array>;
  /** Nothing may be left. */
  finish(): Promise<void>;
  close(): void;
}

async function openIdx(file: string): Promise<OpenIdx> {
  const reader = createByteReader(file);
  try {
    return await beginIdx(file, reader);
  } catch (error) {
    reader.close();
    throw error;
  }
}

async function beginIdx(file: string, reader: ByteReader): Promise<OpenIdx> {
  const start = await reader.take(IDX_HEADER_MAX);
  const read = readIdxHeader(start);
  if (!read.ok) throw new DataError('not-idx', file, read.text);
  const { header } = read;
  let rest = start.subarray(header.headerBytes); // numbers that came with the longest header
  const takeRows = async (rows: number): Promise<Uint8Array> => {
    const wanted = rows * header.rowBytes;
    const early = rest.subarray(0, wanted);
    rest = rest.subarray(early.length);
    const later = await reader.take(wanted - early.length);
    if (early.length + later.length < wanted)
      throw new DataError('not-idx', file, `it is cut short: ${header.bytes} bytes were announced`);
    if (early.length === 0) return later;
    const bytes = new Uint8Array(wanted);
    bytes.set(early);
    bytes.set(later, early.length);
    return bytes;
  };
  const finish = async (): Promise<void> => {
    if (rest.length > 0 || (await reader.take(1)).length > 0)
      throw new DataError('not-idx', file, `it goes on after the ${header.bytes} bytes that it announces`);
  };
  return { header, takeRows, finish, close: () => reader.close() };
}
