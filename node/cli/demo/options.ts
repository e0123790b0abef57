import type { ProvisionedAttack } from '../../provision/index.js';
import type { TaskFile } from '../taskFile.js';

/** What a demo run is asked to do; checked, with its defaults filled in. */
export interface DemoOptions {
  readonly rounds: number;
  readonly validators: number;
  /** Per validator. */
  readonly devices: number;
  readonly attack: ProvisionedAttack | null;
  /** null: no noise, which declares the data public. */
  readonly epsilon: number | null;
  readonly delta: number;
  /** Left out: logistic regression with the default rules. Its rounds, ε and δ are those of this run. */
  readonly task?: TaskFile;
  /** null: the Pima data that comes with Consilium, and its public schema. */
  readonly data: string | null;
  readonly schema: string | null;
  readonly label: string | null;
  /** How the training rows are dealt to devices: a name of fl's partitions. */
  readonly partition: string;
  readonly seed: string;
  readonly keep: boolean;
  readonly json: boolean;
  /** null: a fresh folder for temporary files. */
  readonly dir: string | null;
}

/** δ of the demo; another δ is a matter of a task file. */
export const DELTA = 1e-4;

/** Rounds close in about a second when all devices answer; a round whose devices are lost takes 10 s or more. */
export function timeBoundMs({ rounds, validators, devices }: DemoOptions): number {
  return 180_000 + 15_000 * rounds + 1_000 * validators * devices;
}
