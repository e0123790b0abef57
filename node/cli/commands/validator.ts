import type { Command } from 'commander';
import { bytesToHex, hexToBytes, publicKeyOf, vrfPublicKeyOf } from '../../../crypto/index.js';
import { FoundingError, readCard } from '../../founding/index.js';
import type { ResultOf } from '../../rpc/index.js';
import { wholeNumber } from '../args.js';
import { commitCall, eventsOf } from '../commitCall.js';
import { CliError } from '../failure.js';
import { formatColumns, type Io } from '../io.js';
import {
  keysOf,
  keystoreIn,
  publicKey,
  type SignerOptions,
  validatorOptions,
  validatorSecretOf,
} from '../signer.js';
import { type NodeOptions, nodeOptions, nodesOf } from './nodeOptions.js';

const EXAMPLES = `
Examples:
  consilium validator list --network ./net
  consilium validator add hospital-5 --network ./net --as hospital-1        keys from the network's folder
  consilium validator add --card west.json --node http://127.0.0.1:4002 --keystore ./north/keystore.json
  consilium validator add clinic --public-key 9a.. --vrf-public-key 03.. --node http://127.0.0.1:4001 --keystore k.json
  consilium validator remove hospital-2 --network ./net --as hospital-1
  consilium validator approve 3 --network ./net --as hospital-2
  consilium validator reject 3 --network ./net --as hospital-3
  consilium validator replace hospital-4 --public-key 9a.. --vrf-public-key 03.. --network ./net --as hospital-1

A change takes effect when more than two thirds of the validators have proposed or approved it, and shows on the
ring at the era after next.`;

type Answer = ResultOf<'validator.list'>;
type Globals = NodeOptions & { readonly json?: boolean };
type Candidate = SignerOptions & {
  readonly publicKey?: string;
  readonly vrfPublicKey?: string;
  readonly hospital?: string;
  readonly card?: string;
};

/** `consilium validator list|add|remove|replace|approve|reject`. */
export function addValidatorCommands(validator: Command, io: Io): void {
  validator.addHelpText('after', EXAMPLES);
  nodeOptions(validator.command('list'))
    .description('validators with seat and weight, and proposals that wait for approvals')
    .action((_, self: Command) => list(self.optsWithGlobals(), io));
  validatorOptions(validator.command('add').argument('[name]', 'of who shall join (default: the card’s)'))
    .description('propose that a validator joins, or approve the same proposal')
    .option(
      '--public-key <hex>',
      'its signing key (default: that of --network’s node of this name)',
      publicKey,
    )
    .option('--vrf-public-key <hex>', 'its VRF key (default: as above)', publicKey)
    .option('--hospital <name>', 'whose validator it is (default: its name)')
    .option('--card <file>', 'what it made by "consilium init": name, keys and the proof that it holds them')
    .action((name: string | undefined, _, self: Command) => add(name, self.optsWithGlobals(), io));
  validatorOptions(validator.command('remove').argument('<validator>', 'its name or public key'))
    .description('propose that a validator leaves, or approve the same proposal')
    .action((who: string, _, self: Command) => remove(who, self.optsWithGlobals(), io));
  validatorOptions(validator.command('approve').argument('<proposal>', 'its number', proposalNumber))
    .description('approve what another has proposed; "list" shows it')
    .action((proposal: number, _, self: Command) =>
      send('approve', { proposal }, self.optsWithGlobals(), io),
    );
  validatorOptions(validator.command('reject').argument('<proposal>', 'its number', proposalNumber))
    .description('vote against what another has proposed')
    .action((proposal: number, _, self: Command) => send('reject', { proposal }, self.optsWithGlobals(), io));
  validatorOptions(validator.command('replace').argument('<validator>', 'its name or public key'))
    .description('propose that a hospital’s seat goes to another key, or approve the same proposal')
    .requiredOption('--public-key <hex>', 'the signing key that it shall have', publicKey)
    .requiredOption('--vrf-public-key <hex>', 'the VRF key that it shall have', publicKey)
    .action((who: string, _, self: Command) => replace(who, self.optsWithGlobals(), io));
}

const proposalNumber = wholeNumber(1, Number.MAX_SAFE_INTEGER);

async function list(options: Globals, io: Io): Promise<void> {
  const answer = await nodesOf(options).use((client) => client.call('validator.list', {}));
  io.out(options.json ? JSON.stringify(answer) : formatValidators(answer));
}

/** For people. Pure. */
export function formatValidators({ height, era, validators, proposals, approvalsNeeded }: Answer): string {
  const weight = (value: number | null) => (value === null ? 'not on it' : String(value));
  const rows = validators.map((each) => [
    `  ${each.name}`,
    each.seat,
    weight(each.weight),
    weight(each.nextWeight),
    each.publicKey.slice(0, 16),
  ]);
  const lines = [
    `Height ${height}, era ${era}. A change takes ${approvalsNeeded} approvals.`,
    formatColumns([['  validator', 'seat', 'ring now', 'ring next', 'public key'], ...rows]),
  ];
  const nameOf = (publicKey: string) =>
    validators.find((each) => each.publicKey === publicKey)?.name ?? publicKey.slice(0, 16);
  for (const each of proposals) {
    const by = each.approvals.map(nameOf).join(', ') || 'nobody';
    const against = each.rejections.map(nameOf).join(', ');
    const opposed = against === '' ? '' : `; rejected by ${against}`;
    lines.push(`Proposal ${each.proposal}: ${formatChange(each, nameOf)}; approved by ${by}${opposed}`);
  }
  return lines.join('\n');
}

function formatChange(
  { action, publicKey, candidate, newPublicKey, levels, leak }: Answer['proposals'][number],
  nameOf: (publicKey: string) => string,
): string {
  if (leak !== null)
    return `leak of task ${leak.task} through ${nameOf(publicKey)} (${publicKey}), evidence ${leak.evidence}`;
  if (levels.length > 0)
    return `levels of ${levels.length} accounts, the first ${publicKey} at ${levels[0]!.level}`;
  if (newPublicKey !== null) return `${action} ${nameOf(publicKey)} (${publicKey}) by ${newPublicKey}`;
  if (candidate === null) return `${action} ${nameOf(publicKey)} (${publicKey})`;
  const { name, hospital, role, level } = candidate;
  const as = role === 'validator' ? '' : ` as ${role} of level ${level}`;
  return `${action} ${name} of ${hospital || 'no hospital'}${as} (${publicKey})`;
}

async function add(named: string | undefined, options: Candidate, io: Io): Promise<void> {
  if (options.card !== undefined) return addByCard(options.card, named, options, io);
  if (named === undefined) throw new CliError('usage', 'who shall join? Give its name, or --card FILE');
  const name = named;
  const known = candidateKeys(name, options);
  const args = {
    publicKey: hexToBytes(known.publicKey),
    vrfPublicKey: hexToBytes(known.vrfPublicKey),
    name,
    hospital: options.hospital ?? name,
  };
  await send('add', args, options, io);
}

/** Only who holds both keys can have made the card, and only for this chain. */
async function addByCard(file: string, named: string | undefined, options: Candidate, io: Io): Promise<void> {
  const { name, hospital, publicKey: key, vrfPublicKey, chainId } = readCard(file);
  if (named !== undefined && named !== name)
    throw new CliError('usage', `${file} is the card of ${name}, not of ${named}`);
  const status = await nodesOf(options).use((client) => client.call('chain.status', {}));
  if (chainId !== status.chainId) {
    const of = chainId === null ? 'for founding a network' : `for the chain ${chainId}`;
    throw new FoundingError(
      'other-chain',
      `${file} is a card ${of}, and this chain is ${status.chainId}: ${name} has to run "consilium init" with ` +
        '--genesis, --cards and --expect of this one',
    );
  }
  await send(
    'add',
    { publicKey: hexToBytes(key), vrfPublicKey: hexToBytes(vrfPublicKey), name, hospital },
    options,
    io,
  );
}

function candidateKeys(name: string, { publicKey, vrfPublicKey, network }: Candidate) {
  if (publicKey !== undefined && vrfPublicKey !== undefined) return { publicKey, vrfPublicKey };
  if (publicKey !== undefined || vrfPublicKey !== undefined) {
    throw new CliError('usage', 'a validator has two keys: give --public-key and --vrf-public-key');
  }
  if (network === undefined) {
    throw new CliError('usage', 'whose keys? Give --public-key and --vrf-public-key, or --network FOLDER');
  }
  const { sign, vrf } = keysOf(keystoreIn(network, name));
  if (vrf === undefined) throw new CliError('bad-config', `the keystore of ${name} holds no VRF key`);
  return { publicKey: bytesToHex(publicKeyOf(sign)), vrfPublicKey: bytesToHex(vrfPublicKeyOf(vrf)) };
}

async function remove(who: string, options: SignerOptions, io: Io): Promise<void> {
  await send('remove', { publicKey: await seatedKey(who, options) }, options, io);
}

async function replace(who: string, options: Candidate, io: Io): Promise<void> {
  const args = {
    validator: await seatedKey(who, options),
    publicKey: hexToBytes(options.publicKey!),
    vrfPublicKey: hexToBytes(options.vrfPublicKey!),
  };
  await send('replace', args, options, io);
}

/** The key of a validator that has a seat, by its name or key. */
async function seatedKey(who: string, options: SignerOptions): Promise<Uint8Array> {
  const found = await nodesOf(options).use(async (client) => {
    const { validators } = await client.call('validator.list', {});
    const seated = validators.filter(({ seat }) => seat !== 'lost');
    return seated.find(({ name, publicKey: id }) => name === who || id === who)?.publicKey;
  });
  if (found === undefined) throw new CliError('refused', `no validator ${who} has a seat`);
  return hexToBytes(found);
}

/** Signs a call of the identity contract, waits for its block and tells what came of it. */
async function send(method: string, args: unknown, options: SignerOptions, io: Io): Promise<void> {
  const secret = validatorSecretOf(options);
  const call = { contract: 'identity', method, args };
  const done = await nodesOf(options).use((client) => commitCall(client, secret, call));
  const { fields, kinds } = eventsOf(done);
  const { proposal, approvals, needed, rejections, era } = fields;
  const inEffect = Number(approvals) >= Number(needed);
  const rejected = kinds.includes('rejected');
  const against = method === 'reject' ? { rejections, rejected } : {};
  const told = { proposal, approvals, needed, inEffect, era: era ?? null, height: done.height, ...against };
  if (options.json) io.out(JSON.stringify(told));
  else if (rejected) io.out(`Proposal ${proposal} is rejected.`);
  else if (method === 'reject') io.out(`Proposal ${proposal} has ${rejections} against it.`);
  else if (!inEffect) io.out(`Proposal ${proposal} has ${approvals} of ${needed} approvals.`);
  else if (era === undefined) io.out(`Proposal ${proposal} takes effect.`);
  else io.out(`Proposal ${proposal} takes effect: on the ring of era ${era}.`);
}
