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
  type Unit,
  unitsIn,
} from '../../fl/index.js';
import type { DeviceConfig } from '../config.js';

/** Records that are the attacker's, this device's or an accomplice's. */
export interface AttackerRecords extends Records {
  readonly rows: number;
  /** [rows], whose each row is, as `groupByPerson` has it; null or left out: nobody knows. */
  readonly persons?: Int32Array | null;
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
  recordsOf(round: number): AttackerRecords;
  /** The update to send in this round: the own one, or a crafted one in its place. */
  updateOf(round: number, own: Uint8Array, setting: AttackSetting): Promise<Uint8Array>;
}

export interface AttackSetting {
  /** Of the round: the one on which updates travel. */
  readonly grid: Grid;
  /** Devices of the task. */
  readonly devices: number;
  /** What counts as one in N_k. */
  readonly unit: Unit;
  readonly train: (records: AttackerRecords) => Promise<Uint8Array>;
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
  const poisoned = { ...own, ...attack?.poison?.(own, inputs) };
  return {
    recordsOf: (round) => (acts(round) ? poisoned : own),
    updateOf: async (round, update, { grid, devices, unit, train }) => {
      if (attack === null || attack.craft === null || !acts(round)) return update;
      const honest: Float64Array[] = [];
      for (const records of [own, ...accomplices])
        honest.push(meanOf(await train(records), countOf(records, unit), grid));
      const knowledge = {
        own: meanOf(update, countOf(own, unit), grid),
        honest,
        devices,
        attackers: honest.length,
        random: (length: number) => new Uint8Array(randomBytes(length)),
      };
      const crafted = craftedWire(attack.craft(knowledge), countOf(own, unit), grid, knowledge.random);
      return encodeUpdate(crafted, grid, opened(update, grid).signedCount);
    },
  };
}

function countOf({ rows, persons }: AttackerRecords, unit: Unit): number {
  const count = unitsIn(unit, rows, persons);
  assert.ok(count !== null, 'a device enrols only with what it can count');
  return count;
}

function meanOf(update: Uint8Array, units: number, grid: Grid): Float64Array {
  return meanOfWire(opened(update, grid).wire, units, grid);
}

function opened(update: Uint8Array, grid: Grid): Sent {
  const unpacked = decodeUpdate(update, grid);
  assert.ok(unpacked.ok, 'the trainer encodes what can be decoded');
  return unpacked;
}
