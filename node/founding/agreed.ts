import { type Genesis, parseGenesis } from '../../genesis/index.js';
import { readBounded } from '../config.js';
import { GENESIS_BYTES_MAX, ProvisionError } from '../provision/index.js';
import { type Card, readCards } from './card.js';
import { FoundingError } from './error.js';
import { digestOf } from './found.js';

/** What a hospital was sent, and what it was told on another way. */
export interface Agreed {
  readonly genesisFile: string;
  readonly cardsFile: string;
  /** The chain id in hex. */
  readonly expect: string;
}

export interface Founders {
  readonly genesis: Genesis;
  readonly genesisText: string;
  readonly cards: readonly Card[];
  readonly chainId: string;
}

/**
 * The genesis that was agreed on, and a card of each of its validators that says the same and is signed by it: so a
 * wrong address is its own hospital's, and who collected the cards can change nothing.
 *
 * Throws FoundingError "wrong-digest", "bad-card", "reused", "not-as-agreed", "other-chain"; ProvisionError
 * "bad-genesis"; ConfigError.
 */
export function checkAgreed({ genesisFile, cardsFile, expect }: Agreed): Founders {
  const genesisText = readBounded(genesisFile, GENESIS_BYTES_MAX);
  const parsed = parseGenesis(genesisText);
  if (!parsed.ok)
    throw new ProvisionError(
      'bad-genesis',
      `${genesisFile} is not a genesis (${parsed.reason}): ${parsed.detail}`,
    );
  const { genesis } = parsed;
  const chainId = digestOf(genesis);
  if (chainId !== expect) {
    throw new FoundingError(
      'wrong-digest',
      `${genesisFile} has the digest ${chainId}, and ${expect} was expected: it is not the genesis that you were told ` +
        'of. Do not start; ask the other hospitals, on another way, which digest they have',
    );
  }
  const cards = readCards(cardsFile);
  mustAgree(genesis, cards, cardsFile);
  return { genesis, genesisText, cards, chainId };
}

function mustAgree({ accounts }: Genesis, cards: readonly Card[], file: string): void {
  const differs = (detail: string) => new FoundingError('not-as-agreed', `${file}: ${detail}`);
  const validators = accounts.filter(({ role }) => role === 'validator');
  for (const card of cards) {
    const { name, publicKey, vrfPublicKey, hospital, chainId } = card;
    if (chainId !== null) {
      throw new FoundingError(
        'other-chain',
        `${file}: the card of ${name} was made for the chain ${chainId}, not for founding one`,
      );
    }
    const account = validators.find((each) => each.publicKey === publicKey);
    if (account === undefined)
      throw differs(`${name} has a card, and its key ${publicKey} is not in the genesis`);
    if (account.name !== name || account.hospital !== hospital || account.vrfPublicKey !== vrfPublicKey) {
      throw differs(
        `the genesis says another name, hospital or VRF key of ${publicKey} than the card of ${name}`,
      );
    }
  }
  const keys = new Set(cards.map(({ publicKey }) => publicKey));
  const without = validators.find(({ publicKey }) => !keys.has(publicKey));
  if (without !== undefined) {
    throw differs(
      `the genesis has the validator ${without.name}, and there is no card that it signed: who put it there?`,
    );
  }
}
