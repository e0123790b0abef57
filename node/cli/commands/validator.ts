import { dirname, join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { bytesToHex, hexToBytes, publicKeyOf, vrfPublicKeyOf } from '../../../crypto/index.js';
import { openNetwork, readKeystore } from '../../provision/index.js';
import { type Client, createWallet, type ResultOf } from '../../rpc/index.js';
import { wholeNumber } from '../args.js';
import { CliError } from '../failure.js';
import { formatColumns, type Io } from '../io.js';
import { type NodeOptions, nodeOptions, nodesOf } from './nodeOptions.js';

const EXAMPLES = `
Examples:
  consilium validator list --network ./net
  consilium validator add hospital-5 --network ./net --as hospital-1        keys from the network's folder
  consilium validator add clinic --public-key 9a.. --vrf-public-key 03.. --node http://127.0.0.1:4001 --keystore k.json
  consilium validator remove hospital-2 --network ./net --as hospital-1
  consilium validator approve 3 --network ./net --as hospital-2

A change takes effect when more than two thirds of the validators have proposed or approved it, and shows on the
ring at the era after next.`;

const WAIT_MS = 30_000;

type Answer = ResultOf<'validator.list'>;
type Globals = NodeOptions & { readonly json?: boolean };
type Signer = Globals & { readonly as?: string; readonly keystore?: string; readonly passwordFile?: string };
type Candidate = Signer & {
  readonly publicKey?: string;
  readonly vrfPublicKey?: string;
  readonly hospital?: string;
};

/** `consilium validator list|add|remove|approve`. */
export function addValidatorCommands(validator: Command, io: Io): void {
  validator.addHelpText('after', EXAMPLES);
  nodeOptions(validator.command('list'))
    .description('validators with seat and weight, and proposals that wait for approvals')
    .action((_, self: Command) => list(self.optsWithGlobals(), io));
  signerOptions(validator.command('add').argument('<name>', 'of who shall join'))
    .description('propose that a validator joins, or approve the same proposal')
    .option('--public-key <hex>', 'its signing key (default: that of --network’s node of this name)', key)
    .option('--vrf-public-key <hex>', 'its VRF key (default: as above)', key)
    .option('--hospital <name>', 'whose validator it is (default: its name)')
    .action((name: string, _, self: Command) => add(name, self.optsWithGlobals(), io));
  signerOptions(validator.command('remove').argument('<validator>', 'its name or public key'))
    .description('propose that a validator leaves, or approve the same proposal')
    .action((who: string, _, self: Command) => remove(who, self.optsWithGlobals(), io));
  signerOptions(validator.command('approve').argument('<proposal>', 'its number', proposalNumber))
    .description('approve what another has proposed; "list" shows it')
    .action((proposal: number, _, self: Command) =>
      send('approve', { proposal }, self.optsWithGlobals(), io),
    );
}

const proposalNumber = wholeNumber(1, Number.MAX_SAFE_INTEGER);

function key(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be a key as 64 lower-case hex digits.');
}

function signerOptions(command: Command): Command {
  return nodeOptions(command)
    .option('--as <name>', 'the validator of --network that signs')
    .option('--keystore <file>', 'the keys of the validator that signs, instead')
    .option('--password-file <file>', 'its password (default: the file "password" beside it)');
}

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

async function add(name: string, options: Candidate, io: Io): Promise<void> {
  const known = candidateKeys(name, options);
  const args = {
    publicKey: hexToBytes(known.publicKey),
    vrfPublicKey: hexToBytes(known.vrfPublicKey),
    name,
    hospital: options.hospital ?? name,
  };
  await send('add', args, options, io);
}

function candidateKeys(name: string, { publicKey, vrfPublicKey, network }: Candidate) {
  if (publicKey !== undefined && vrfPublicKey !== undefined) return { publicKey, vrfPublicKey };
  if (publicKey !== undefined || vrfPublicKey !== undefined) {
    throw new CliError('usage', 'a validator has two keys: give --public-key and --vrf-public-key');
  }
  if (network === undefined) {
    throw new CliError('usage', 'whose keys? Give --public-key and --vrf-public-key, or --network FOLDER');
  }
  const { sign, vrf } = secretsOf(keystoreIn(network, name));
  if (vrf === undefined) throw new CliError('bad-config', `the keystore of ${name} holds no VRF key`);
  return { publicKey: bytesToHex(publicKeyOf(sign)), vrfPublicKey: bytesToHex(vrfPublicKeyOf(vrf)) };
}

async function remove(who: string, options: Signer, io: Io): Promise<void> {
  const publicKey = await nodesOf(options).use(async (client) => {
    const { validators } = await client.call('validator.list', {});
    const seated = validators.filter(({ seat }) => seat !== 'lost');
    return seated.find(({ name, publicKey: id }) => name === who || id === who)?.publicKey;
  });
  if (publicKey === undefined) throw new CliError('refused', `no validator ${who} has a seat`);
  await send('remove', { publicKey: hexToBytes(publicKey) }, options, io);
}

/** Signs a call of the identity contract, waits for its block and tells what came of it. */
async function send(method: string, args: unknown, options: Signer, io: Io): Promise<void> {
  const secret = signerOf(options);
  const done = await nodesOf(options).use((client) => commit(client, secret, method, args));
  const fields = Object.assign({}, ...done.events.map((event) => event.fields)) as Record<string, unknown>;
  const kinds = done.events.map(({ kind }) => kind);
  const inEffect = kinds.includes('added') || kinds.includes('removed');
  const { proposal, approvals, needed, era } = fields;
  const told = { proposal, approvals, needed, inEffect, era: inEffect ? era : null, height: done.height };
  if (options.json) io.out(JSON.stringify(told));
  else if (inEffect) io.out(`Proposal ${proposal} takes effect: on the ring of era ${era}.`);
  else io.out(`Proposal ${proposal} has ${approvals} of ${needed} approvals.`);
}

async function commit(client: Client, secret: Uint8Array, method: string, args: unknown) {
  const { chainId } = await client.call('chain.status', {});
  const wallet = createWallet({ client, chainId: hexToBytes(chainId), secret });
  const hash = await wallet.send({ contract: 'identity', method, args });
  const done = await wallet.wait(hash, WAIT_MS);
  if (!done.ok) throw new CliError('refused', `the chain refused it (${done.code}): ${done.detail}`);
  return done;
}

function signerOf({ as: name, keystore, passwordFile, network }: Signer): Uint8Array {
  if (keystore !== undefined) return secretsOf(keystore, passwordFile).sign;
  if (name === undefined || network === undefined) {
    throw new CliError('usage', 'who signs? Give --keystore FILE, or --network FOLDER and --as NAME');
  }
  return secretsOf(keystoreIn(network, name)).sign;
}

function keystoreIn(network: string, name: string): string {
  const { dir, file } = openNetwork(network);
  const node = file.nodes.find((each) => each.name === name);
  if (node !== undefined) return join(dir, node.folder, 'keystore.json');
  throw new CliError('usage', `there is no validator ${name} in ${dir}`);
}

function secretsOf(keystore: string, passwordFile = join(dirname(keystore), 'password')) {
  const { sign, vrf } = readKeystore(keystore, passwordFile);
  if (sign === undefined) throw new CliError('bad-config', `${keystore} holds no signing key`);
  return { sign, vrf };
}
