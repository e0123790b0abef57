import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { readJsonText } from '../../config.js';
import {
  type Card,
  FoundingError,
  fingerprintOf,
  ownCard,
  readCard,
  renewCard,
  writeJsonWhole,
} from '../../founding/index.js';
import { type NodeConfigFile, readNodeConfig } from '../../settings/index.js';
import { nodeAddress } from '../args.js';
import { CliError } from '../failure.js';
import type { Io } from '../io.js';
import { describe } from './init.js';

const EXAMPLES = `
A node takes a peer's new address in when it is started again.

Examples:
  consilium card show west.json                                        whose it is, and that its proofs hold
  consilium card renew ./north --address /dns4/new.north.example/tcp/4001   the node has moved: send the new card.json
  consilium card add ./north west.json                                 dial that validator, there`;

interface Options {
  readonly json?: boolean;
}

/** `consilium card show|renew|add`. */
export function addCard(group: Command, io: Io): void {
  group.addHelpText('after', EXAMPLES);
  group
    .command('show')
    .argument('<file>', 'a card.json')
    .description('check a card’s proofs and show what it says')
    .action((file: string, _, self: Command) => show(readCard(file), self.optsWithGlobals(), io));
  group
    .command('renew')
    .argument('<folder>', 'a validator’s folder')
    .description('sign a new card with other addresses; the keys stay')
    .requiredOption('--address <multiaddr>', 'where the others reach it; as often as needed', nodeAddress)
    .action((folder: string, _, self: Command) => renew(folder, self.optsWithGlobals(), io));
  group
    .command('add')
    .argument('<folder>', 'a validator’s folder')
    .argument('<card>', 'the card of another')
    .description('put another validator’s addresses into the own configuration')
    .action((folder: string, file: string, _, self: Command) =>
      add(folder, file, self.optsWithGlobals(), io),
    );
}

function show(card: Card, { json }: Options, io: Io): void {
  io.out(json ? JSON.stringify({ ...card, fingerprint: fingerprintOf(card) }) : describe(card).join('\n'));
}

async function renew(
  folder: string,
  options: Options & { readonly address: readonly string[] },
  io: Io,
): Promise<void> {
  const config = join(folder, 'config.json');
  const chainId = existsSync(config) ? (readNodeConfig(config).chainId ?? null) : null;
  show(await renewCard(folder, options.address, chainId), options, io);
}

async function add(folder: string, file: string, { json }: Options, io: Io): Promise<void> {
  const card = readCard(file);
  const configFile = join(folder, 'config.json');
  const { chainId, peers } = readNodeConfig(configFile);
  if (chainId === undefined)
    throw new CliError(
      'bad-folder',
      `${configFile} names no chainId: this folder was not made by "consilium init"`,
    );
  if (card.publicKey === ownCard(folder).publicKey)
    throw new CliError('usage', `${file} is this node’s own card`);
  // A founder's first card names no chain; that it is of this one shows by its key, which is a peer's already.
  const known = peers.some(({ publicKey }) => publicKey === card.publicKey);
  if (card.chainId !== chainId && !(card.chainId === null && known)) {
    const of = card.chainId === null ? 'founding another network' : `the chain ${card.chainId}`;
    throw new FoundingError('other-chain', `${file} is a card for ${of}, and this node is of ${chainId}`);
  }
  const raw = readJsonText(configFile) as NodeConfigFile;
  const others = raw.peers.filter(({ publicKey }) => publicKey !== card.publicKey);
  const peer = { publicKey: card.publicKey, addresses: [...card.addresses] };
  await writeJsonWhole(configFile, { ...raw, peers: [...others, peer] });
  io.out(
    json
      ? JSON.stringify({ ...peer, known })
      : `${card.name} is dialled at ${card.addresses.join(', ')} from the next start on.`,
  );
}
