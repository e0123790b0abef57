import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import {
  type Agreed,
  type Card,
  fingerprintOf,
  initFolder,
  joinFolder,
  type Places,
} from '../../founding/index.js';
import { nodeAddress, wholeNumber } from '../args.js';
import { CliError } from '../failure.js';
import type { Io } from '../io.js';
import { programName } from '../programName.js';
import { publicKey } from '../signer.js';

const INIT = `
Founding a network: every hospital runs init and sends its card.json to one of them, who runs "genesis create" and sends
back genesis.json and cards.json. Every hospital then runs "join", with the digest that it was told on another way.

Joining one that exists: with --genesis, --cards and --expect the folder is ready to start, and the card goes to the
validators, who vote ("validator add --card").

Examples:
  consilium init ./north --name north --address /dns4/node.north.example/tcp/4001
  consilium init ./west --name west --address /ip4/203.0.113.9/tcp/4001 --genesis genesis.json --cards cards.json --expect 4d6c..`;

const JOIN = `
Example:
  consilium join ./north --genesis genesis.json --cards cards.json --expect 4d6c..   then: consilium node start --config ./north/config.json`;

interface PlaceOptions {
  readonly listen?: readonly string[];
  readonly rpcHost: string;
  readonly rpcPort: number;
  readonly json?: boolean;
}
type AgreedOptions = Partial<Record<'genesis' | 'cards' | 'expect', string>>;
type InitOptions = PlaceOptions &
  AgreedOptions & { readonly name: string; readonly hospital?: string; readonly address: readonly string[] };

/** `consilium init`. */
export function addInit(command: Command, io: Io): void {
  placeOptions(command.argument('<folder>', 'the validator’s folder; new or empty'))
    .requiredOption('--name <name>', 'of the validator', nodeName)
    .option('--hospital <name>', 'whose it is (default: its name)', nodeName)
    .requiredOption('--address <multiaddr>', 'where the others reach it; as often as needed', nodeAddress)
    .option('--genesis <file>', 'of the chain that it joins')
    .option('--cards <file>', 'the cards of those who founded it')
    .option('--expect <digest>', 'the genesis’ digest, as you were told it on another way', publicKey)
    .addHelpText('after', INIT)
    .action((folder: string, _, self: Command) => init(folder, self.optsWithGlobals(), io));
}

/** `consilium join`. */
export function addJoin(command: Command, io: Io): void {
  placeOptions(command.argument('<folder>', 'that "init" made'))
    .requiredOption('--genesis <file>', 'the genesis that was made of the cards')
    .requiredOption('--cards <file>', 'the cards that it was made of')
    .requiredOption('--expect <digest>', 'the genesis’ digest, as you were told it on another way', publicKey)
    .addHelpText('after', JOIN)
    .action((folder: string, _, self: Command) => joinNetwork(folder, self.optsWithGlobals(), io));
}

function placeOptions(command: Command): Command {
  return command
    .option(
      '--listen <multiaddr>',
      'where it listens (default: everywhere, at the port of the first address)',
      nodeAddress,
    )
    .option('--rpc-host <address>', 'where its RPC listens; there is no log-in', '127.0.0.1')
    .option('--rpc-port <port>', 'its RPC’s port', wholeNumber(1, 65_535), 4002);
}

async function init(folder: string, options: InitOptions, io: Io): Promise<void> {
  const { name, hospital = name, address, json } = options;
  const agreed = agreedOf(options);
  const card = await initFolder(
    folder,
    { name, hospital, addresses: [...address] },
    agreed === null ? null : { agreed, places: placesOf(options) },
  );
  const file = join(folder, 'card.json');
  if (json)
    return io.out(
      JSON.stringify({ card: file, fingerprint: fingerprintOf(card), publicKey: card.publicKey }),
    );
  const next =
    agreed === null
      ? [`Next: send ${file} to who makes the genesis, and tell the fingerprint on another way.`]
      : [
          `Next: send ${file} to the validators; each runs "${programName()} validator add --card card.json ...".`,
          `Start any time: ${programName()} node start --config ${join(folder, 'config.json')}`,
        ];
  io.out([...describe(card), ...next].join('\n'));
}

async function joinNetwork(folder: string, options: PlaceOptions & AgreedOptions, io: Io): Promise<void> {
  const card = await joinFolder(folder, agreedOf(options)!, placesOf(options));
  const config = join(folder, 'config.json');
  if (options.json) return io.out(JSON.stringify({ config, chainId: options.expect, name: card.name }));
  io.out(
    [
      `${card.name} is in the genesis ${options.expect}, as on its card, and so is every other validator.`,
      `Next: ${programName()} node start --config ${config}`,
    ].join('\n'),
  );
}

/** All three or none. */
function agreedOf({ genesis, cards, expect }: AgreedOptions): Agreed | null {
  if (genesis === undefined && cards === undefined && expect === undefined) return null;
  if (genesis !== undefined && cards !== undefined && expect !== undefined) {
    return { genesisFile: genesis, cardsFile: cards, expect };
  }
  throw new CliError('usage', 'to join a chain that exists give --genesis, --cards and --expect, all three');
}

function placesOf({ listen, rpcHost, rpcPort }: PlaceOptions): Places {
  return { listen: listen ?? null, rpcHost, rpcPort };
}

/** What people compare. Pure. */
export function describe(card: Card): readonly string[] {
  const { name, hospital, chainId, publicKey: key, addresses } = card;
  return [
    `${name} of ${hospital}, ${chainId === null ? 'for founding a network' : `for the chain ${chainId}`}`,
    `  fingerprint  ${fingerprintOf(card)}`,
    `  public key   ${key}`,
    `  addresses    ${addresses.join(', ')}`,
  ];
}

function nodeName(text: string): string {
  if (/^[a-z0-9][a-z0-9.-]{0,62}$/.test(text)) return text;
  throw new InvalidArgumentError('It has lower-case letters, digits, dots and dashes, at most 63.');
}
