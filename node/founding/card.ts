import { z } from 'zod';
import { bytes, encode, list, tagged, text } from '../../chain/index.js';
import {
  bytesToHex,
  hexToBytes,
  publicKeyOf,
  sha256,
  sign,
  VRF_PROOF_BYTES,
  verifySignature,
  vrfProve,
  vrfPublicKeyOf,
  vrfVerify,
} from '../../crypto/index.js';
import { hex32, multiaddr, name, readJson } from '../config.js';
import { FoundingError } from './error.js';

const ADDRESSES_MAX = 16;
const CARDS_MAX = 1_000;

/** What a hospital shows of its validator: nothing in it is secret. */
export const cardSchema = z.strictObject({
  version: z.literal(1),
  name,
  hospital: name,
  /** The chain that it shall join; null: one that is being founded. */
  chainId: hex32.nullable(),
  publicKey: hex32,
  vrfPublicKey: hex32,
  /** Where the others reach it. */
  addresses: z.array(multiaddr).min(1).max(ADDRESSES_MAX),
  /** By both secrets, under all of the above: who made the card holds them. */
  signature: z.string().regex(/^[0-9a-f]{128}$/, 'a signature is 128 hex digits'),
  vrfProof: z
    .string()
    .regex(new RegExp(`^[0-9a-f]{${2 * VRF_PROOF_BYTES}}$`), 'a VRF proof is 160 hex digits'),
});
export type Card = Readonly<z.infer<typeof cardSchema>>;
export type CardFields = Pick<Card, 'name' | 'hospital' | 'chainId' | 'addresses'>;

const cardsSchema = z.strictObject({
  version: z.literal(1),
  cards: z.array(cardSchema).min(1).max(CARDS_MAX),
});

/** What is signed. A card of a network that is being founded names the chain of 32 zeros, which no genesis has. */
const signedCodec = tagged('consilium/card', 1, {
  name: text(64),
  hospital: text(64),
  publicKey: bytes(32),
  vrfPublicKey: bytes(32),
  addresses: list(text(256), ADDRESSES_MAX),
});

/** A card under the keys that it names. Cost: a signature and a VRF proof, milliseconds. */
export function makeCard(
  fields: CardFields,
  keys: { readonly sign: Uint8Array; readonly vrf: Uint8Array },
): Card {
  const unsigned = {
    version: 1 as const,
    ...fields,
    publicKey: bytesToHex(publicKeyOf(keys.sign)),
    vrfPublicKey: bytesToHex(vrfPublicKeyOf(keys.vrf)),
  };
  const message = signedBytes(unsigned);
  return {
    ...unsigned,
    signature: bytesToHex(sign(keys.sign, message)),
    vrfProof: bytesToHex(vrfProve(keys.vrf, message)),
  };
}

/** Reads a card and checks its proofs. Throws FoundingError "bad-card", ConfigError. */
export function readCard(file: string): Card {
  const card = readJson(file, cardSchema);
  mustHold(card, file);
  return card;
}

/** Reads what `genesis create` wrote beside a genesis and checks every card in it. Throws as readCard, "reused". */
export function readCards(file: string): readonly Card[] {
  const { cards } = readJson(file, cardsSchema);
  for (const card of cards) mustHold(card, file);
  mustDiffer(cards);
  return cards;
}

/** The file that readCards reads. */
export function cardsJson(cards: readonly Card[]): z.infer<typeof cardsSchema> {
  return { version: 1, cards: [...cards] };
}

/** What people compare by telephone: 16 bytes of the card's hash, in groups. */
export function fingerprintOf(card: Card): string {
  const digest = bytesToHex(sha256(signedBytes(card))).slice(0, 32);
  return digest.replace(/(.{4})(?=.)/g, '$1-');
}

/** Is it the same card, to the signed bytes? */
export function isSameCard(a: Card, b: Card): boolean {
  return fingerprintOf(a) === fingerprintOf(b);
}

/** No two have a key, a name, a hospital or an address in common. Throws FoundingError "reused". */
export function mustDiffer(cards: readonly Card[]): void {
  const owners = new Map<string, string>();
  for (const card of cards) {
    const own = [
      `the signing key ${card.publicKey}`,
      `the VRF key ${card.vrfPublicKey}`,
      `the name ${card.name}`,
      `the hospital ${card.hospital}`,
      ...card.addresses.map((address) => `the address ${address}`),
    ];
    for (const what of own) {
      const other = owners.get(what);
      if (other !== undefined) {
        throw new FoundingError(
          'reused',
          `the cards of ${other} and ${card.name} both have ${what}: every hospital runs "consilium init" itself, ` +
            'once, and hands over one card',
        );
      }
      owners.set(what, card.name);
    }
  }
}

function mustHold(card: Card, file: string): void {
  const message = signedBytes(card);
  const key = hexToBytes(card.publicKey);
  const vrfKey = hexToBytes(card.vrfPublicKey);
  // Both refuse what is no key, or one of small order, under which anything is signed.
  if (
    verifySignature(key, message, hexToBytes(card.signature)) &&
    vrfVerify(vrfKey, message, hexToBytes(card.vrfProof)) !== null
  ) {
    return;
  }
  throw new FoundingError(
    'bad-card',
    `${file}: the card of ${card.name} is not signed by the keys that it names: it was altered on the way, or made by ` +
      'somebody else. Ask the hospital for its card.json again, and compare fingerprints ("consilium card show")',
  );
}

function signedBytes({
  name: called,
  hospital,
  chainId,
  publicKey,
  vrfPublicKey,
  addresses,
}: Omit<Card, 'signature' | 'vrfProof'>) {
  return encode(signedCodec, {
    name: called,
    hospital,
    addresses,
    publicKey: hexToBytes(publicKey),
    vrfPublicKey: hexToBytes(vrfPublicKey),
    chainId: chainId === null ? new Uint8Array(32) : hexToBytes(chainId),
  });
}
