import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type DataSchema, readSchema } from '../../fl/index.js';

const IMAGE = 28 * 28;

const SCHEMA = join(import.meta.dirname, '..', '..', '..', 'datasets', 'mnist.schema.json');

/** Pixels of 28 × 28 grey images, ten classes; MNIST or what has its form. */
export function imageSchema(): DataSchema {
  const read = readSchema(JSON.parse(readFileSync(SCHEMA, 'utf8')));
  if (!read.ok) throw new Error('the schema is read by the tests');
  return read.schema;
}

/** A device's images and labels, as bytes. */
export interface ImageShard {
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

/** Both files of a folder, MNIST's names with or without what stands between (train10k) and .gz; null: not there. */
export function readImages(folder: string, devices: number, records: number): readonly ImageShard[] | null {
  const names = ['train', 'mnist-train10k', 'fashion-train6k'];
  for (const name of names) {
    const images = readIdx(join(folder, `${name}-images-idx3-ubyte`), 16);
    const labels = readIdx(join(folder, `${name}-labels-idx1-ubyte`), 8);
    if (images === null || labels === null || labels.length < devices * records) continue;
    return Array.from({ length: devices }, (_, device) => ({
      images: images.slice(device * records * IMAGE, (device + 1) * records * IMAGE),
      labels: labels.slice(device * records, (device + 1) * records),
    }));
  }
  return null;
}

function readIdx(path: string, headerBytes: number): Uint8Array | null {
  const bytes = existsSync(path)
    ? readFileSync(path)
    : existsSync(`${path}.gz`)
      ? gunzipSync(readFileSync(`${path}.gz`))
      : null;
  return bytes === null ? null : bytes.subarray(headerBytes);
}

/** The shard's two files in the format they came in. */
export function idxFiles({ images, labels }: ImageShard): { images: Uint8Array; labels: Uint8Array } {
  const withHeader = (values: Uint8Array, ...sides: readonly number[]) => {
    const bytes = new Uint8Array(4 + 4 * sides.length + values.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 0x0800 + sides.length);
    for (const [at, side] of sides.entries()) view.setUint32(4 + 4 * at, side);
    bytes.set(values, 4 + 4 * sides.length);
    return bytes;
  };
  return {
    images: withHeader(images, labels.length, 28, 28),
    labels: withHeader(labels, labels.length),
  };
}
