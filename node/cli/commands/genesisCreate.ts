import { existsSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { BLOCK_TIME_MAX } from '../../../consensus/index.js';
import { committeeRisk, dishonestOf } from '../../../genesis/index.js';
import {
  cardsJson,
  digestOf,
  fingerprintOf,
  genesisOf,
  readAccounts,
  readCard,
  readParams,
  writeJsonWhole,
} from '../../founding/index.js';
import { wholeNumber } from '../args.js';
import { CliError } from '../failure.js';
import { formatColumns, type Io } from '../io.js';
import { UNSAFE_HINT } from './committeeOptions.js';

const EXAMPLES = `
Writes genesis.json and cards.json, for every hospital whose card is in it. Tell the digest on another way than the files
go: each "consilium join" compares it, and checks every card. With fewer than four validators none may fail.

Examples:
  consilium genesis create ./founding --name diabetes-study north.json east.json south.json west.json
  consilium genesis create ./founding --name diabetes-study --accounts publishers.json --params params.json *.json`;

interface CreateOptions {
  readonly name: string;
  readonly time?: number;
  readonly accounts?: string;
  readonly params?: string;
  readonly json?: boolean;
}

/** `consilium genesis create`: from the cards of hospitals. */
export function addCreate(genesis: Command, io: Io): void {
  genesis
    .command('create')
    .argument('<folder>', 'where genesis.json and cards.json go; new or empty')
    .argument('<cards...>', 'one card.json of each hospital')
    .description('make the genesis of the hospitals whose cards these are')
    .requiredOption('--name <name>', 'of the network, for people')
    .option(
      '--time <ms>',
      'the genesis time, in ms since 1970 (default: now)',
      wholeNumber(0, BLOCK_TIME_MAX / 2),
    )
    .option('--accounts <file>', 'publishers with their tokens, devices: as "accounts" of a genesis file')
    .option(
      '--params <file>',
      'the chain’s parameters: as "params" of a genesis file (default: the local preset)',
    )
    .addHelpText('after', EXAMPLES)
    .action((folder: string, cards: string[], _, self: Command) =>
      create(folder, cards, self.optsWithGlobals(), io),
    );
}

async function create(
  folder: string,
  files: readonly string[],
  options: CreateOptions,
  io: Io,
): Promise<void> {
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new CliError(
      'bad-folder',
      `${folder} is not empty`,
      'a genesis is never written over: choose another folder',
    );
  }
  const cards = files.map((file) => readCard(file));
  const { name, time = Date.now(), accounts, params, json } = options;
  const genesis = genesisOf({
    name,
    time,
    cards,
    ...(accounts !== undefined && { accounts: readAccounts(accounts) }),
    ...(params !== undefined && { params: readParams(params) }),
  });
  const { heights, allowUnsafe } = genesis.params.capture;
  const risk = committeeRisk(genesis, { dishonest: dishonestOf(genesis), offline: 0, heights });
  if (!risk.isSafe && !allowUnsafe) {
    throw new CliError('check-failed', 'the committees of this genesis may be captured', UNSAFE_HINT);
  }
  await mkdir(folder, { recursive: true });
  await writeJsonWhole(join(folder, 'cards.json'), cardsJson(cards));
  await writeJsonWhole(join(folder, 'genesis.json'), genesis);
  const digest = digestOf(genesis);
  if (json)
    return io.out(
      JSON.stringify({
        digest,
        cards: cards.map((card) => ({ name: card.name, fingerprint: fingerprintOf(card) })),
      }),
    );
  const rows = cards.map((card) => [`  ${card.name}`, fingerprintOf(card), card.addresses.join(', ')]);
  io.out(
    [
      `Digest ${digest}`,
      formatColumns([['  validator', 'fingerprint', 'addresses'], ...rows]),
      `Next: ask each hospital whether that is its fingerprint; send them ${join(folder, 'genesis.json')} and ` +
        `${join(folder, 'cards.json')}; tell them the digest on another way.`,
    ].join('\n'),
  );
}
