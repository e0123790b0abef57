import type { RandomBytes } from '../../crypto/index.js';

/** A device's records as the trainer takes them. */
export interface Records {
  /** [rows][inputs], row-major. */
  readonly x: Float32Array;
  /** [rows], each a class, from 0. */
  readonly y: Float32Array;
  /** How many classes there are; 2 if not given. */
  readonly classes?: number;
}

/** What an attacker knows when it makes an update. Mean updates are per unit in real units, [d]. */
export interface Knowledge {
  /** What this device would have sent, had it trained on the records that `poison` gave it. */
  readonly own: Float64Array;
  /**
   * Honest mean updates, at least one. An omniscient attacker knows those of all honest devices (the studies); one
   * in a network knows those that its own devices would have sent (node/devices).
   */
  readonly honest: readonly Float64Array[];
  /** n and m: all devices of the task, and those of the attacker. */
  readonly devices: number;
  readonly attackers: number;
  readonly random: RandomBytes;
}

/**
 * A named way for devices to poison a task. Pure: records in, records out; honest updates in, a malicious one out.
 * For measuring rules, in studies and in test networks: nothing here is part of the protocol.
 */
export interface Attack {
  readonly name: string;
  /** Is it at work in this round, if it starts with `fromRound`? */
  readonly acts: (round: number, fromRound: number) => boolean;
  /** What it trains on instead; null: its true records. */
  readonly poison: ((records: Records, inputs: number) => Records) | null;
  /** The mean update that it sends instead of its own; null: what training gave. */
  readonly craft: ((knowledge: Knowledge) => Float64Array) | null;
}

/** From the round that the attack is given, without a pause. */
export function steadily(round: number, fromRound: number): boolean {
  return round >= fromRound;
}
