import { InvalidArgumentError } from 'commander';
import { attacks, partitionNames, partitionRule } from '../../fl/index.js';
import { multiaddr } from '../config.js';
import type { ProvisionedAttack } from '../provision/index.js';

/** Parsers of option values; what they refuse becomes a usage error with the option's name. */

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** How rows are dealt to devices. */
export function partition(text: string): string {
  if (partitionRule(text) !== null) return text;
  throw new InvalidArgumentError(`It must be one of ${partitionNames.join(', ')}.`);
}

export const HEIGHT_MAX = 999_999_999_999;

/** A share from 0 to 1, such as 0.3. */
export function share(text: string): number {
  const value = Number(text);
  if (/^(\d+\.?\d*|\.\d+)$/.test(text) && value <= 1) return value;
  throw new InvalidArgumentError('It must be a share from 0 to 1, such as 0.3.');
}

const ATTACKS = [...Object.keys(attacks), 'colluding-verifiers'] as ProvisionedAttack['name'][];

/** NAME:SHARE[:FROM_ROUND]: who attacks, how many of the devices (or validators), and from which round on. */
export function attack(text: string): ProvisionedAttack {
  const [name = '', part = '', from = '1', ...rest] = text.split(':');
  const known = ATTACKS.find((one) => one === name);
  if (known === undefined) throw new InvalidArgumentError(`The attacks are: ${ATTACKS.join(', ')}.`);
  if (rest.length > 0)
    throw new InvalidArgumentError('It must look like label-flip:0.3 or label-flip:0.3:16.');
  return { name: known, share: share(part), fromRound: wholeNumber(1, 1_000_000)(from) };
}

export const EPSILON_MAX = 64;

/** ε: a number above 0, or "none" for training without noise. In millionths a whole number, at least 1. */
export function epsilon(text: string): number | 'none' {
  if (text === 'none') return 'none'; // not null: commander takes that for no value at all
  const value = Number(text);
  if (/^(\d+\.?\d*|\.\d+)$/.test(text) && value >= 1e-6 && value <= EPSILON_MAX) {
    return Math.round(value * 1e6) / 1e6;
  }
  throw new InvalidArgumentError(`It must be a number above 0 and at most ${EPSILON_MAX}, or "none".`);
}

/** Where other nodes reach one, as libp2p writes it. */
export function nodeAddress(text: string, before: readonly string[] = []): readonly string[] {
  if (multiaddr.safeParse(text).success) return [...before, text];
  throw new InvalidArgumentError(
    'It must look like /dns4/node.north.example/tcp/4001 or /ip4/10.0.0.7/tcp/4001.',
  );
}

/** The address of a node's RPC. */
export function nodeUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('It must be an address such as http://127.0.0.1:4001.');
}
