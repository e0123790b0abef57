import { bytesToHex } from '../../crypto/index.js';
import {
  chainIdOf,
  type Genesis,
  genesisSchema,
  genesisValue,
  newestFromStart,
  parseGenesis,
  presets,
} from '../../genesis/index.js';
import { ConfigError, readJson } from '../config.js';
import { type Card, mustDiffer } from './card.js';
import { FoundingError } from './error.js';

export interface FoundingOptions {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Those of the hospitals' validators, checked. */
  readonly cards: readonly Card[];
  /** Beside the validators: publishers with tokens, devices that are known already. */
  readonly accounts?: Genesis['accounts'];
  /** Default: those of a local network. */
  readonly params?: Genesis['params'];
}

/**
 * The genesis of the hospitals whose cards these are. Throws FoundingError "reused", "other-chain", and "not-as-agreed"
 * where accounts and parameters make no genesis. Pure.
 */
export function genesisOf({ name, time, cards, accounts = [], params }: FoundingOptions): Genesis {
  mustDiffer(cards);
  for (const card of cards) {
    if (card.chainId === null) continue;
    throw new FoundingError(
      'other-chain',
      `the card of ${card.name} is for joining the chain ${card.chainId}, which exists: for founding another, ` +
        'its hospital runs "consilium init" without --genesis in a fresh folder',
    );
  }
  const validators = cards.map((card) => ({
    publicKey: card.publicKey,
    role: 'validator' as const,
    name: card.name,
    hospital: card.hospital,
    level: 0,
    vrfPublicKey: card.vrfPublicKey,
  }));
  const genesis = {
    version: 1,
    name,
    time,
    params: params ?? presets.local,
    accounts: [...validators, ...accounts],
    upgrades: [...newestFromStart],
  };
  const parsed = parseGenesis(JSON.stringify(genesis));
  if (parsed.ok) return parsed.genesis;
  throw new FoundingError('not-as-agreed', `these make no genesis (${parsed.reason}): ${parsed.detail}`);
}

/** The chain id, in hex: the digest that hospitals tell each other. */
export function digestOf(genesis: Genesis): string {
  return bytesToHex(chainIdOf(genesisValue(genesis)));
}

/** Accounts in the genesis file's form. Throws ConfigError; validators come by their cards. */
export function readAccounts(file: string): Genesis['accounts'] {
  const accounts = readJson(file, genesisSchema.shape.accounts);
  if (accounts.every(({ role }) => role !== 'validator')) return accounts;
  throw new ConfigError(
    'shape',
    file,
    'validators come by their cards, signed by themselves; leave them out here',
  );
}

/** Parameters in the genesis file's form. Throws ConfigError. */
export function readParams(file: string): Genesis['params'] {
  return readJson(file, genesisSchema.shape.params);
}
