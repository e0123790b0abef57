import { bytesToUtf8, utf8ToBytes } from '../../../crypto/index.js';
import { type ModelSpec, tensorShapes } from '../spec.js';

/** Bounds when reading: our headers have a few hundred bytes. */
export const HEADER_BYTES_MAX = 1_048_576;
const ALIGNMENT = 8;

/** One tensor of a file. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface TensorFile {
  readonly tensors: readonly NamedTensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

export type TensorFileResult =
  | ({ readonly ok: true } & TensorFile)
  | { readonly ok: false; readonly text: string };

/** The tensors of a model's flat weights, named as `tensorShapes` does. */
export function namedTensors(spec: ModelSpec, weights: Float32Array): NamedTensor[] {
  let offset = 0;
  return tensorShapes(spec).map(({ name, shape }) => {
    const length = lengthOf(shape);
    offset += length;
    return { name, shape, data: weights.subarray(offset - length, offset) };
  });
}

/**
 * A safetensors file: 8 bytes length of the header (little-endian), the header as JSON, padded with blanks so that
 * the data begins at a multiple of 8, then the tensors' float32, little-endian, row-major, one after another.
 * Same input, same bytes. Source: github.com/huggingface/safetensors, README, "Format".
 */
export function encodeSafetensors({ tensors, metadata }: TensorFile): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const { name, shape, data } of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [end, end + 4 * data.length] };
    end += 4 * data.length;
  }
  const json = utf8ToBytes(JSON.stringify(header));
  const headerBytes = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  const file = new Uint8Array(8 + headerBytes + end);
  const view = new DataView(file.buffer);
  view.setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, 8, 8 + headerBytes);
  file.set(json, 8);
  let at = 8 + headerBytes;
  for (const { data } of tensors) {
    for (const value of data) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
  return file;
}

/**
 * Reads a safetensors file of float32 tensors strictly: lengths before anything else, a header that is an object,
 * known fields only, whole shapes, offsets that follow one another without gap or overlap and cover all data.
 */
export function decodeSafetensors(file: Uint8Array): TensorFileResult {
  const refuse = (text: string): TensorFileResult => ({ ok: false, text });
  if (file.length < 8) return refuse('shorter than its header length');
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headerBytes = view.getBigUint64(0, true);
  if (headerBytes > BigInt(HEADER_BYTES_MAX)) return refuse(`a header of ${headerBytes} bytes`);
  const start = 8 + Number(headerBytes);
  if (start > file.length) return refuse('cut short in its header');
  const header = parseObject(file.subarray(8, start));
  if (header === null) return refuse('the header is no JSON object');
  const { __metadata__: metadata = {}, ...entries } = header;
  if (!isTexts(metadata)) return refuse('__metadata__ holds texts by name');
  const tensors: NamedTensor[] = [];
  let end = 0;
  for (const [name, entry] of Object.entries(entries)) {
    const { dtype, shape, data_offsets: offsets, ...rest } = Object(entry) as Record<string, unknown>;
    if (dtype !== 'F32' || Object.keys(rest).length > 0)
      return refuse(`${name}: only dtype F32, shape, data_offsets`);
    if (!isCounts(shape) || !isCounts(offsets) || offsets.length !== 2)
      return refuse(`${name}: no shape or offsets`);
    if (offsets[0] !== end || offsets[1]! - end !== 4 * lengthOf(shape) || start + offsets[1]! > file.length)
      return refuse(`${name}: offsets ${offsets.join(', ')} do not fit`);
    const data = Float32Array.from({ length: lengthOf(shape) }, (_, index) => {
      return view.getFloat32(start + offsets[0]! + 4 * index, true);
    });
    tensors.push({ name, shape, data });
    end = offsets[1]!;
  }
  return start + end === file.length ? { ok: true, tensors, metadata } : refuse('data that no tensor has');
}

function parseObject(bytes: Uint8Array): Record<string, unknown> | null {
  if (bytes[0] !== 0x7b) return null; // the format asks for a brace at once
  try {
    return JSON.parse(bytesToUtf8(bytes)) as Record<string, unknown>;
  } catch {
    return null;
  }
}

function isTexts(value: unknown): value is Record<string, string> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((text) => typeof text === 'string')
  );
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);
}

function lengthOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
