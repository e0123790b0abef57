import type { Command } from 'commander';
import type { CommitteeRisk, Expectation } from '../../../genesis/index.js';
import { wholeNumber } from '../args.js';

/** What a consortium expects; see `committeeRisk`. */
export interface CommitteeOptions {
  /** Left out: those that the genesis expects. */
  readonly dishonest?: number;
  readonly offline: number;
  /** Left out: those that the genesis plans. */
  readonly heights?: number;
  readonly allowUnsafeCommittee: boolean;
}

const VALIDATORS_MAX = 1_000;

export const UNSAFE_HINT =
  'draw more members, state fewer dishonest validators if that is what you expect (--dishonest), ' +
  'or accept it with --allow-unsafe-committee';

export function committeeOptions(command: Command): Command {
  const upTo = wholeNumber(0, VALIDATORS_MAX);
  return command
    .option('--dishonest <n>', 'validators that may lie (default: as the genesis says)', upTo)
    .option('--offline <n>', 'validators that may be away at the same time, beside these', upTo, 0)
    .option(
      '--heights <n>',
      'planned length of the chain (default: as the genesis says)',
      wholeNumber(1, 1e12),
    )
    .option('--allow-unsafe-committee', 'accept a chance of capture above 1e-9', false);
}

/** The risk as a table for people. */
export function riskRows(risk: CommitteeRisk, { dishonest, offline, heights }: Expectation): string[][] {
  const { validators, members, capture, captureAtCap, stall, isSafe } = risk;
  const chance = (value: number) => (value === 0 ? '0' : value === 1 ? '1' : value.toExponential(2));
  const row = (name: string, { perHeight, overHeights }: typeof capture) => [
    name,
    chance(perHeight),
    chance(overHeights),
  ];
  return [
    [`committee: ${members} of ${validators} validators, ${dishonest} dishonest, ${offline} offline`],
    ['', 'per height', `over ${heights} heights`],
    row('capture, all weighing alike', capture),
    row('capture, the dishonest at the cap of reputation', captureAtCap),
    row('stall of a height', stall),
    [isSafe ? 'safe: no chance of capture above 1e-9' : 'UNSAFE: a chance of capture above 1e-9'],
  ];
}
