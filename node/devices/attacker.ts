import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import {
  type Attack,
  attacks,
  craftedWire,
  decodeUpdate,
  encodeUpdate,
  type Grid,
  meanOfWire,
  type Records,
  type Sent,
} from '../../fl/index.js';
import type { DeviceConfig } from '../config.js';

/** Records that are the attacker's, this device's or an accomplice's. */
export interface AttackerRecords extends Records {
  readonly rows: number;
}

/**
 * What a device does that its owner has told to attack, in demonstrations and tests.
 *
 * All devices of one attacker share what they know, which is their own data: each trains on the true records of
 * every accomplice and takes these updates for an estimate of what honest devices send. What others really send it
 * could read in blocks, but too late for the round. Nothing passes between the devices: they come to the same
 * result, but for the noise of their own training.
 */
export interface Attacker {
  /** What it trains on in this round; its true records while the attack sleeps. */
  recordsOf(round: number): Records;
  /** The update to send in this round: the own one, or a crafted one in its place. */
  updateOf(round: number, own: Uint8Array, setting: AttackSetting): Promise<Uint8Array>;
}

export interface AttackSetting {
  /** Of the round: the one on which updates travel. */
  readonly grid: Grid;
  /** Devices of the task. */
  readonly devices: number;
  readonly train: (records: Records) => Promise<Uint8Array>;
}

/** `accomplices` are the records of the attacker's other devices. */
export function createAttacker(
  { attack: name, attackFromRound }: Pick<DeviceConfig, 'attack' | 'attackFromRound'>,
  inputs: number,
  own: AttackerRecords,
  accomplices: readonly AttackerRecords[],
): Attacker {
  const attack: Attack | null = name === null ? null : attacks[name];
  const acts = (round: number) => attack?.acts(round, attackFromRound) ?? false;
  const poisoned = attack?.poison?.(own, inputs) ?? own;
  return {
    recordsOf: (round) => (acts(round) ? poisoned : own),
    updateOf: async (round, update, { grid, devices, train }) => {
      if (attack === null || attack.craft === null || !acts(round)) return update;
      const honest: Float64Array[] = [];
      for (const records of [own, ...accomplices])
        honest.push(meanOf(await train(records), records.rows, grid));
      const knowledge = {
        own: meanOf(update, own.rows, grid),
        honest,
        devices,
        attackers: honest.length,
        random: (length: number) => new Uint8Array(randomBytes(length)),
      };
      const crafted = craftedWire(attack.craft(knowledge), own.rows, grid);
      return encodeUpdate(crafted, grid, opened(update, grid).signedCount);
    },
  };
}

function meanOf(update: Uint8Array, rows: number, grid: Grid): Float64Array {
  return meanOfWire(opened(update, grid).wire, rows, grid);
}

function opened(update: Uint8Array, grid: Grid): Sent {
  const unpacked = decodeUpdate(update, grid);
  assert.ok(unpacked.ok, 'the trainer encodes what can be decoded');
  return unpacked;
}
