import { strict as assert } from 'node:assert';
import { bytesToUtf8, concatBytes, equalBytes, utf8ToBytes } from '../../crypto/index.js';
import { type Grid, normCapSquared, packUpdate, unpackUpdate } from '../grid/index.js';
import { integerSqrt } from '../privacy/integerSqrt.js';
import {
  type AlignmentState,
  type DeviceRecord,
  type Usual,
  WINDOW_ROUNDS,
  type WindowRound,
} from './alignmentState.js';
import type { FrontName } from './front/index.js';
import { UNITS_PER_DEVICE_MAX } from './rule.js';
import { usualMax } from './turning.js';

const VERSION = 2;
const ROUND_BYTES = 12;
/** Of a packed update, before its entries. */
const HEADER_BYTES = packUpdate(new Int32Array(1)).length;

/**
 * Canonical bytes of what alignment remembers; big-endian.
 *
 *   0  u8   version, 2
 *   1  u32  dimension
 *   5  u8   rounds in the window, at most 10; then per round, ascending:
 *             u32 round, u32 clip16, u32 sigma16
 *   .  u16  devices; then per device, ascending by id:
 *             u8 length and UTF-8 of the id
 *             u8 flags (1 refused, 2 inner is negative), u32 rounds
 *             inner, energy, noise: each u8 length and the magnitude's bytes, none in front that is zero
 *             what is usual: i32 exponent, u16 multiple, u32 length and the packed entries
 *             u16 mask (bit i: took part in round i of the window)
 *             per bit set, lowest first: u32 length and the packed update
 *
 * Size: for n devices and d parameters at b bits an entry about n d (11 b + 4) / 8 bytes; 20 devices with 220,000
 *   parameters at 5 bits fill a payload of 32 MiB. `accumulatorBytesMax` bounds it.
 */
export function encodeAccumulator(state: AlignmentState): Uint8Array {
  const head = new DataView(new ArrayBuffer(6 + ROUND_BYTES * state.rounds.length + 2));
  head.setUint8(0, VERSION);
  head.setUint32(1, state.dimension);
  head.setUint8(5, state.rounds.length);
  for (const [index, round] of state.rounds.entries()) {
    const at = 6 + ROUND_BYTES * index;
    head.setUint32(at, round.round);
    head.setUint32(at + 4, round.clip16);
    head.setUint32(at + 8, round.sigma16);
  }
  assert.ok(state.devices.length < 65_536, 'fewer than 65,536 devices');
  head.setUint16(head.byteLength - 2, state.devices.length);
  return concatBytes(new Uint8Array(head.buffer), ...state.devices.flatMap(encodeDevice));
}

/**
 * The most bytes that the accumulator of `devices` devices can take on this grid, for a task to be refused whose
 * accumulator would not fit a payload. No entry of an update within the norm cap is larger than the cap's root; what
 * a front has blended can be anything on the wire. `moves`: so is the bound of all grids that differ from this one in
 * their threshold; in wire steps, powers of two, the cap of another threshold is less than twice as large, and what its
 * rounding adds less than that again.
 */
export function accumulatorBytesMax(
  devices: number,
  grid: Grid,
  front: FrontName = 'none',
  moves = false,
): number {
  const largest = (moves ? 4n : 1n) * integerSqrt(normCapSquared(grid, UNITS_PER_DEVICE_MAX));
  const width = front === 'none' ? Math.min(32, (2n * largest).toString(2).length) : 32;
  const packed = (bits: number) => HEADER_BYTES + Math.ceil((grid.dimension * bits) / 8);
  const usual = 4 + 2 + 4 + packed(Math.min(32, (2n * usualMax(grid)).toString(2).length));
  const record = 1 + 255 + 5 + 3 * 256 + usual + 2 + WINDOW_ROUNDS * (4 + packed(width));
  return 6 + ROUND_BYTES * WINDOW_ROUNDS + 2 + devices * record;
}

/**
 * Inverse of `encodeAccumulator`. The bytes come from the payload store by a hash in state, so that anything which
 * is not exactly what `encodeAccumulator` writes is a bug and asserts.
 */
export function decodeAccumulator(bytes: Uint8Array): AlignmentState {
  const reader = createReader(bytes);
  assert.equal(reader.u8(), VERSION, 'a known version of the accumulator');
  const dimension = reader.u32();
  const roundCount = reader.u8();
  assert.ok(roundCount >= 1 && roundCount <= WINDOW_ROUNDS, 'a window of 1 to 10 rounds');
  const rounds: WindowRound[] = [];
  for (let index = 0; index < roundCount; index++) {
    const round = reader.u32();
    assert.ok(index === 0 || round > rounds[index - 1]!.round, 'rounds of the window ascend');
    rounds.push({ round, clip16: reader.u32(), sigma16: reader.u32() });
  }
  const deviceCount = reader.u16();
  const devices: DeviceRecord[] = [];
  for (let index = 0; index < deviceCount; index++) {
    const record = decodeDevice(reader, dimension, roundCount);
    assert.ok(index === 0 || record.device > devices[index - 1]!.device, 'devices ascend');
    devices.push(record);
  }
  const state = { dimension, rounds, devices };
  assert.ok(equalBytes(encodeAccumulator(state), bytes), 'the accumulator is canonical');
  return state;
}

function encodeDevice(record: DeviceRecord): Uint8Array[] {
  const id = utf8ToBytes(record.device);
  assert.ok(id.length >= 1 && id.length < 256, 'an id of 1 to 255 bytes');
  const counts = new DataView(new ArrayBuffer(5));
  counts.setUint8(0, (record.refused ? 1 : 0) | (record.inner < 0n ? 2 : 0));
  counts.setUint32(1, record.rounds);
  const mask = record.window.reduce((bits, wire, index) => bits | (wire === null ? 0 : 1 << index), 0);
  return [
    Uint8Array.of(id.length),
    id,
    new Uint8Array(counts.buffer),
    ...[magnitude(record.inner), record.energy, record.noise].flatMap(encodeMagnitude),
    unitOf(record.usual),
    ...encodeUpdate(record.usual.entries),
    Uint8Array.of(mask >> 8, mask & 255),
    ...record.window.flatMap((wire) => (wire === null ? [] : encodeUpdate(wire))),
  ];
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function unitOf({ exponent, multiple }: Usual): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(6));
  bytes.setInt32(0, exponent);
  bytes.setUint16(4, multiple);
  return new Uint8Array(bytes.buffer);
}

function decodeDevice(reader: Reader, dimension: number, roundCount: number): DeviceRecord {
  const device = bytesToUtf8(reader.take(reader.u8()));
  const flags = reader.u8();
  const rounds = reader.u32();
  const inner = decodeMagnitude(reader);
  const energy = decodeMagnitude(reader);
  const noise = decodeMagnitude(reader);
  const usual = { exponent: reader.i32(), multiple: reader.u16(), entries: decodeUpdate(reader, dimension) };
  const mask = reader.u16();
  assert.ok(mask < 1 << roundCount, 'a mask within the window');
  const window: (Int32Array | null)[] = [];
  for (let index = 0; index < roundCount; index++)
    window.push(mask & (1 << index) ? decodeUpdate(reader, dimension) : null);
  return {
    device,
    refused: (flags & 1) === 1,
    rounds,
    inner: flags & 2 ? -inner : inner,
    energy,
    noise,
    usual,
    window,
  };
}

function encodeUpdate(wire: Int32Array): Uint8Array[] {
  const packed = packUpdate(wire);
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, packed.length);
  return [new Uint8Array(length.buffer), packed];
}

function decodeUpdate(reader: Reader, dimension: number): Int32Array {
  const unpacked = unpackUpdate(reader.take(reader.u32()), dimension);
  assert.ok(unpacked.ok, 'a packed update');
  return unpacked.wire;
}

function encodeMagnitude(value: bigint): Uint8Array[] {
  const digits = value === 0n ? '' : value.toString(16);
  const hex = digits.length % 2 === 0 ? digits : `0${digits}`;
  const bytes = Uint8Array.from({ length: hex.length / 2 }, (_, index) =>
    Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16),
  );
  assert.ok(value >= 0n && bytes.length < 256, 'a magnitude of at most 255 bytes');
  return [Uint8Array.of(bytes.length), bytes];
}

function decodeMagnitude(reader: Reader): bigint {
  return reader.take(reader.u8()).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

interface Reader {
  u8(): number;
  u16(): number;
  i32(): number;
  u32(): number;
  take(length: number): Uint8Array;
}

function createReader(bytes: Uint8Array): Reader {
  let offset = 0;
  const take = (length: number): Uint8Array => {
    assert.ok(offset + length <= bytes.length, 'the accumulator is not cut short');
    offset += length;
    return bytes.subarray(offset - length, offset);
  };
  const view = (length: number): DataView => {
    const part = take(length);
    return new DataView(part.buffer, part.byteOffset, length);
  };
  return {
    u8: () => view(1).getUint8(0),
    u16: () => view(2).getUint16(0),
    i32: () => view(4).getInt32(0),
    u32: () => view(4).getUint32(0),
    take,
  };
}
