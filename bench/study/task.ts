import type { AttackName } from '../../fl/index.js';
import type { DatasetName } from './data.js';

/** The task of the studies: 20 devices, 53 rounds of logistic regression, each record clipped to norm 1. */
export const DEVICES = 20;
export const ATTACKERS = 6;
export const ROUNDS = 53;

/**
 * The best of 0.5, 1, 1.5, 2, 3 and 4 on seeds 100 to 119 with which no update is refused in a clean task. Faster
 * ones end up to a point more accurate on Pima, and with them alignment begins to refuse honest devices: near the
 * optimum honest updates average to little, and what remains is how the devices differ.
 */
export const learningRates: Readonly<Record<DatasetName, number>> = { pima: 1, wdbc: 1 };

/** 30 % of the devices flip their labels. */
export const scenarios: Readonly<
  Record<string, { readonly attack: AttackName | null; readonly fromRound: number }>
> = {
  clean: { attack: null, fromRound: 1 },
  'from the start': { attack: 'label-flip', fromRound: 1 },
  'from half-way': { attack: 'label-flip', fromRound: 27 },
  'every third round': { attack: 'label-flip-on-off', fromRound: 1 },
};
