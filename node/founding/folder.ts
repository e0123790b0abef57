import { existsSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { bytesToHex, publicKeyOf, utf8ToBytes, vrfPublicKeyOf } from '../../crypto/index.js';
import type { Genesis } from '../../genesis/index.js';
import { makeFolder, newKeys, readKeystore, writeKeystore } from '../provision/index.js';
import { type NodeConfigFile, readNodeConfig } from '../settings/index.js';
import { writeWhole } from '../wholeFile.js';
import { type Agreed, checkAgreed } from './agreed.js';
import { type Card, type CardFields, cardsJson, makeCard, readCard } from './card.js';
import { FoundingError } from './error.js';

/** What a hospital decides for its own machine. */
export interface Places {
  /** Multiaddrs to listen on; null: every address of the machine, at the first port that the card names. */
  readonly listen: readonly string[] | null;
  readonly rpcHost: string;
  readonly rpcPort: number;
}

/**
 * Makes a validator's folder: fresh keys, sealed, and its card. All or nothing; the keys never leave the folder.
 *
 * With `agreed` it is one that joins a chain that exists, and is ready to start. Throws FoundingError "folder-in-use",
 * and what checkAgreed throws.
 */
export async function initFolder(
  dir: string,
  fields: Omit<CardFields, 'chainId'>,
  joining: { readonly agreed: Agreed; readonly places: Places } | null,
): Promise<Card> {
  const folder = resolve(dir);
  mustBeFree(folder);
  const founders = joining === null ? null : checkAgreed(joining.agreed);
  const keys = newKeys('validator');
  const { sign, vrf } = keys.secrets;
  const card = makeCard({ ...fields, chainId: founders?.chainId ?? null }, { sign: sign!, vrf: vrf! });
  if (founders !== null) mustBeNew(card, founders.genesis, founders.cards);
  const part = `${folder}.part-${process.pid}`;
  try {
    await mkdir(dirname(folder), { recursive: true });
    makeFolder(part);
    makeFolder(join(part, 'devices'));
    writeKeystore(part, keys);
    await writeJsonWhole(join(part, 'card.json'), card);
    if (founders !== null) await writeChain(part, card, founders, joining!.places);
    mustBeFree(folder);
    if (existsSync(folder)) rmdirSync(folder); // still empty, or this fails
    renameSync(part, folder);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
  return card;
}

/**
 * Gives a folder that `initFolder` made the genesis that was founded with its card: checks that it is the one that was
 * agreed on, that every validator in it has signed its card, and that the own one is in it, as it was handed over.
 * Called again it does nothing new. Throws FoundingError, ConfigError.
 */
export async function joinFolder(dir: string, agreed: Agreed, places: Places): Promise<Card> {
  const folder = resolve(dir);
  const card = ownCard(folder);
  const founders = checkAgreed(agreed);
  const { genesis, cards, chainId } = founders;
  const account = genesis.accounts.find(({ publicKey }) => publicKey === card.publicKey);
  if (account === undefined) {
    throw new FoundingError(
      'not-as-agreed',
      `the genesis does not have the own key ${card.publicKey} (${card.name}): send ${join(folder, 'card.json')} to who ` +
        'makes the genesis; a chain that runs already is joined with "consilium init --genesis"',
    );
  }
  const listed = cards.find(({ publicKey }) => publicKey === card.publicKey)!;
  if (listed.addresses.join() !== card.addresses.join()) {
    throw new FoundingError(
      'not-as-agreed',
      `the cards file has ${card.name} at ${listed.addresses.join(', ')}, and the own card says ` +
        `${card.addresses.join(', ')}: send the newer card, and have the genesis made again`,
    );
  }
  const before = join(folder, 'config.json');
  if (existsSync(before)) mustBeSameChain(before, chainId);
  else await writeChain(folder, card, founders, places);
  return card;
}

/** The card of a folder, whose keystore must hold its keys. Throws FoundingError, ConfigError, ProvisionError. */
export function ownCard(folder: string): Card {
  if (!existsSync(join(folder, 'card.json'))) {
    throw new FoundingError(
      'not-initialised',
      `${folder} has no card.json: "consilium init ${folder}" makes the keys`,
    );
  }
  const card = readCard(join(folder, 'card.json'));
  const { sign, vrf } = readKeystore(join(folder, 'keystore.json'), join(folder, 'password'));
  const isOwn =
    sign !== undefined &&
    vrf !== undefined &&
    bytesToHex(publicKeyOf(sign)) === card.publicKey &&
    bytesToHex(vrfPublicKeyOf(vrf)) === card.vrfPublicKey;
  if (isOwn) return card;
  throw new FoundingError(
    'not-as-agreed',
    `${join(folder, 'keystore.json')} does not hold the keys of ${join(folder, 'card.json')}: one of them was exchanged`,
  );
}

/** A card that names other addresses, under the same keys; replaces the one in the folder. */
export async function renewCard(
  folder: string,
  addresses: readonly string[],
  chainId: string | null,
): Promise<Card> {
  // Its keys may have been exchanged since, by vote: it is the keystore that counts.
  const { name, hospital } = readCard(join(folder, 'card.json'));
  const { sign, vrf } = readKeystore(join(folder, 'keystore.json'), join(folder, 'password'));
  const card = makeCard({ name, hospital, chainId, addresses: [...addresses] }, { sign: sign!, vrf: vrf! });
  await writeJsonWhole(join(folder, 'card.json'), card);
  return card;
}

export async function writeJsonWhole(path: string, value: unknown): Promise<void> {
  await writeWhole(path, utf8ToBytes(`${JSON.stringify(value, null, 2)}\n`));
}

function mustBeSameChain(file: string, chainId: string): void {
  const config = readNodeConfig(file);
  if (config.chainId === chainId) return;
  throw new FoundingError(
    'folder-in-use',
    `${file} is that of ${config.chainId === undefined ? 'a local network' : `the chain ${config.chainId}`}: a validator belongs to one chain, and ` +
      'another takes a folder and keys of its own',
  );
}

function mustBeFree(folder: string): void {
  if (!existsSync(folder) || readdirSync(folder).length === 0) return;
  throw new FoundingError(
    'folder-in-use',
    `${folder} is not empty: keys are never written over; choose a new folder`,
  );
}

function mustBeNew(card: Card, genesis: Genesis, cards: readonly Card[]): void {
  const taken = genesis.accounts.find(({ name, role }) => role === 'validator' && name === card.name);
  const near = cards.find(({ addresses }) => addresses.some((address) => card.addresses.includes(address)));
  const what =
    taken !== undefined ? `the name ${card.name}` : near !== undefined ? `an address of ${near.name}` : null;
  if (what === null) return;
  throw new FoundingError('reused', `this network has ${what} already: choose another`);
}

/** The configuration last: with it the folder can be started. */
async function writeChain(
  folder: string,
  card: Card,
  { genesisText, cards, chainId }: ReturnType<typeof checkAgreed>,
  { listen, rpcHost, rpcPort }: Places,
): Promise<void> {
  await writeWhole(join(folder, 'genesis.json'), utf8ToBytes(genesisText));
  await writeJsonWhole(join(folder, 'cards.json'), cardsJson(cards));
  const config: NodeConfigFile = {
    version: 1,
    name: card.name,
    genesis: 'genesis.json',
    chainId,
    dataDir: 'data',
    keystore: 'keystore.json',
    passwordFile: 'password',
    listen: [...(listen ?? [`/ip4/0.0.0.0/tcp/${card.addresses[0]!.split('/').at(-1)}`])],
    rpc: { host: rpcHost, port: rpcPort },
    peers: cards
      .filter(({ publicKey }) => publicKey !== card.publicKey)
      .map(({ publicKey, addresses }) => ({ publicKey, addresses: [...addresses] })),
    devicesDir: 'devices',
    deviceNodes: [`http://${rpcHost === '0.0.0.0' ? '127.0.0.1' : rpcHost}:${rpcPort}`],
    trainerThreads: 1,
  };
  await writeJsonWhole(join(folder, 'config.json'), config);
}
