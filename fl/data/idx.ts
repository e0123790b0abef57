import { type DataProblem, notANumber } from './problem.js';
import type { RowsSeen } from './rowEncoder.js';
import {
  checkSchema,
  type DataSchema,
  encodedWidth,
  type FeatureSchema,
  labelText,
  MICRO,
} from './schema.js';

/** Bounds of an IDX file: MNIST is [60000, 28, 28]. */
export const IDX_DIMENSIONS_MAX = 4;
/** Bytes of the longest header. */
export const IDX_HEADER_MAX = 4 + 4 * IDX_DIMENSIONS_MAX;

/** How a header says that numbers are written, big-endian; the byte of the format, its size, how it is read. */
const idxTypes: Readonly<Record<number, IdxType>> = {
  8: { bytes: 1, read: (view, at) => view.getUint8(at) },
  9: { bytes: 1, read: (view, at) => view.getInt8(at) },
  11: { bytes: 2, read: (view, at) => view.getInt16(at) },
  12: { bytes: 4, read: (view, at) => view.getInt32(at) },
  13: { bytes: 4, read: (view, at) => view.getFloat32(at) },
  14: { bytes: 8, read: (view, at) => view.getFloat64(at) },
};

interface IdxType {
  readonly bytes: number;
  read(view: DataView, at: number): number;
}

/** What an IDX file says of itself in its first bytes. */
export interface IdxHeader {
  readonly type: IdxType;
  /** The first is the number of rows. */
  readonly dimensions: readonly number[];
  /** Where the numbers begin. */
  readonly headerBytes: number;
  /** Numbers in a row, and its bytes. */
  readonly rowNumbers: number;
  readonly rowBytes: number;
  /** Of the whole file. */
  readonly bytes: number;
}

export type IdxResult =
  | { readonly ok: true; readonly header: IdxHeader }
  | { readonly ok: false; readonly text: string };

/**
 * Reads the header of an IDX file from its first IDX_HEADER_MAX bytes (or all, if it is shorter).
 *
 * Format: two zero bytes, a type, the number of dimensions, then each as u32, then the numbers row-major, all
 * big-endian. Refuses unknown types, 0 or more than IDX_DIMENSIONS_MAX dimensions, one of length 0, and sizes
 * beyond exact integers. That the file has just `bytes` bytes is the reader's to check.
 * Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database", section "file formats".
 */
export function readIdxHeader(start: Uint8Array): IdxResult {
  const refuse = (text: string): IdxResult => ({ ok: false, text });
  if (start.length < 4 || start[0] !== 0 || start[1] !== 0)
    return refuse('it does not begin as an IDX file does');
  const type = idxTypes[start[2]!];
  if (type === undefined)
    return refuse(`unknown type of numbers 0x${start[2]!.toString(16).padStart(2, '0')}`);
  const count = start[3]!;
  if (count < 1 || count > IDX_DIMENSIONS_MAX)
    return refuse(`${count} dimensions, 1 to ${IDX_DIMENSIONS_MAX} fit`);
  const headerBytes = 4 + 4 * count;
  if (start.length < headerBytes) return refuse('it is cut short in its header');
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const dimensions = Array.from({ length: count }, (_, index) => view.getUint32(4 + 4 * index));
  if (dimensions.includes(0)) return refuse(`a dimension is 0: ${dimensions.join(' x ')}`);
  const rowNumbers = dimensions.slice(1).reduce((product, length) => product * length, 1);
  const rowBytes = rowNumbers * type.bytes;
  const bytes = headerBytes + dimensions[0]! * rowBytes;
  if (!Number.isSafeInteger(bytes)) return refuse(`too large: ${dimensions.join(' x ')}`);
  return { ok: true, header: { type, dimensions, headerBytes, rowNumbers, rowBytes, bytes } };
}

/** The numbers in bytes that hold whole numbers of a type and nothing else. */
export function readIdxNumbers({ type }: IdxHeader, bytes: Uint8Array): Float64Array {
  if (bytes.length % type.bytes !== 0) throw new RangeError('the bytes hold no whole numbers');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float64Array.from({ length: bytes.length / type.bytes }, (_, index) =>
    type.read(view, index * type.bytes),
  );
}

/** Why a schema cannot describe a pair of IDX files, or null: it has to be one group of numbers and a label. */
export function checkIdx(images: IdxHeader, labels: IdxHeader, schema: DataSchema): DataProblem | null {
  const problem = checkSchema(schema);
  if (problem !== null) return { kind: 'bad-schema', text: problem };
  const bad = (text: string): DataProblem => ({ kind: 'bad-schema', text });
  const [feature, ...others] = schema.features;
  if (others.length > 0 || feature!.kind !== 'number' || schema.subject !== null)
    return bad('IDX files hold one group of numbers: the schema must have one such feature and no subject');
  if (feature!.count !== images.rowNumbers)
    return bad(`a row has ${images.rowNumbers} numbers, the schema's ${feature!.name} has ${feature!.count}`);
  if (labels.dimensions.length !== 1) return bad('labels have one dimension');
  if (labels.dimensions[0] !== images.dimensions[0])
    return bad(`${images.dimensions[0]} rows and ${labels.dimensions[0]} labels`);
  return null;
}

/**
 * Encodes rows of an IDX pair by a schema that passed checkIdx, as a row encoder does cells: missing becomes 0 and
 * sets the indicator, else clip, centre, scale. Numbers that are not finite and labels without a class are told to
 * `onProblem`; `firstRow` is the number of the first row in the file, from 1, and stands for the line.
 */
export function encodeIdxRows(
  schema: DataSchema,
  numbers: Float64Array,
  labels: Float64Array,
  firstRow: number,
  onProblem: (problem: DataProblem) => void,
  seen?: RowsSeen,
): { readonly x: Float32Array; readonly y: Float32Array } {
  const feature = schema.features[0]!;
  const width = encodedWidth(schema);
  const classes = new Map(schema.label.classes.map((name, index) => [labelText(name), index]));
  const x = new Float32Array(labels.length * width);
  const y = new Float32Array(labels.length);
  for (let row = 0; row < labels.length; row++) {
    const line = firstRow + row;
    const values = numbers.subarray(row * feature.count, (row + 1) * feature.count);
    encodeValues(feature, values, line, x.subarray(row * width, (row + 1) * width), onProblem, seen);
    const index = classes.get(String(labels[row]! + 0));
    if (index === undefined) {
      const text = `row ${line}: the label ${labels[row]} is none of ${classes.size} classes`;
      onProblem({ kind: 'unknown-label', line, column: schema.label.name, text });
    } else y[row] = index;
  }
  return { x, y };
}

function encodeValues(
  feature: FeatureSchema,
  values: Float64Array,
  line: number,
  x: Float32Array,
  onProblem: (problem: DataProblem) => void,
  seen: RowsSeen | undefined,
): void {
  const { name, count, centerMicro, scaleMicro, minMicro, maxMicro, missing, indicator } = feature;
  const [min, max] = [minMicro / MICRO, maxMicro / MICRO];
  const absent = new Set(missing.map(labelText));
  for (const [index, value] of values.entries()) {
    if (!Number.isFinite(value)) onProblem(notANumber(String(value), line, `${name}${index}`));
    else if (absent.size > 0 && absent.has(String(value + 0))) {
      if (indicator) x[count + index] = 1;
      if (seen !== undefined) seen.missing[0]!++;
    } else {
      const clipped = Math.min(Math.max(value, min), max);
      if (seen !== undefined && clipped !== value) seen.clipped[0]!++;
      x[index] = (clipped - centerMicro / MICRO) / (scaleMicro / MICRO);
    }
  }
}
