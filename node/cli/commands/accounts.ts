import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { signPossession } from '../../../contracts/index.js';
import { bytesToHex, hexToBytes, publicKeyOf } from '../../../crypto/index.js';
import { readJsonText } from '../../config.js';
import { type Client, listAccounts, type WalletCall } from '../../rpc/index.js';
import { wholeNumber } from '../args.js';
import { commitCall, eventsOf } from '../commitCall.js';
import { CliError } from '../failure.js';
import { formatColumns, type Io } from '../io.js';
import { keysOf, publicKey, type SignerOptions, validatorOptions, validatorSecretOf } from '../signer.js';
import { type NodeOptions, nodeOptions, nodesOf } from './nodeOptions.js';
import { rotate } from './rotate.js';

type Role = 'device' | 'provider' | 'publisher';
type Globals = NodeOptions & { readonly json?: boolean };
type OfHospital = { readonly hospital?: string };
type NewKey = { readonly keys?: string; readonly request?: string };

/** What the holder of a new key hands to the hospital: nothing in it is secret. */
interface Request {
  readonly publicKey: string;
  readonly account: string;
  readonly hospital: string;
  readonly possession: string;
}

export const accountExamples = (role: Role): string => `
  consilium ${role} admit ward-7 --keys ./ward-7 --network ./net --as hospital-1
  consilium ${role} request ./ward-7 --hospital hospital-1 --network ./net > request.json     without showing the key
  consilium ${role} admit ward-7 --request request.json --network ./net --as hospital-1
  consilium ${role} suspend ward-7 --network ./net --as hospital-1                            and reinstate
  consilium ${role} recover ward-7 --keys ./ward-7-new --network ./net --as hospital-1
  consilium ${role} rotate ./ward-7 --network ./net                                           its own next key
  consilium ${role} level ward-7 2 --network ./net --as hospital-1
  consilium ${role} list --hospital hospital-1 --network ./net

What is not of the signer's hospital becomes a proposal: others approve it with "consilium validator approve".`;

/** `consilium publisher ...`; accounts of devices stand beside what else a device does. */
export function addPublisher(publisher: Command, io: Io): void {
  publisher.addHelpText('after', `\nExamples:${accountExamples('publisher')}`);
  addAccountCommands(publisher, 'publisher', io);
  addReport(publisher, io);
}

/** `consilium provider ...`. */
export function addProvider(provider: Command, io: Io): void {
  provider.addHelpText('after', `\nExamples:${accountExamples('provider')}`);
  addAccountCommands(provider, 'provider', io);
}

/** Admission, suspension, keys and levels of one role's accounts. */
export function addAccountCommands(group: Command, role: Role, io: Io): void {
  const name = 'its name in the hospital, its id or any of its keys';
  newKeyOptions(ofHospital(validatorOptions(group.command('admit').argument('<name>', 'its name'))))
    .description(`a ${role} gets an account`)
    .option(
      '--level <n>',
      'tasks of exactly this level are for it',
      wholeNumber(0, 255),
      role === 'publisher' ? 0 : 1,
    )
    .option('--area <name>', 'its area of care', '')
    .action((who: string, _, self: Command) => admit(role, who, self.optsWithGlobals(), io));
  for (const [method, what] of [
    ['suspend', 'keep all its transactions out of blocks'],
    ['reinstate', 'let a suspended one send again'],
  ] as const) {
    ofHospital(validatorOptions(group.command(method).argument('<account>', name)))
      .description(what)
      .action((who: string, _, self: Command) => ofOne(method, who, self.optsWithGlobals(), io));
  }
  newKeyOptions(ofHospital(validatorOptions(group.command('recover').argument('<account>', name))))
    .description('give it another key: what it has stays with the account')
    .action((who: string, _, self: Command) => recover(who, self.optsWithGlobals(), io));
  ofHospital(validatorOptions(group.command('level').argument('<account>', name)))
    .argument('<level>', 'the level that it shall have', wholeNumber(0, 255))
    .description('set its level, within the bound of an era')
    .action((who: string, level: number, _, self: Command) =>
      setLevel(who, level, self.optsWithGlobals(), io),
    );
  nodeOptions(group.command('rotate').argument('<folder>', 'where its keystore.json and password lie'))
    .description('change its own key; keystore.json is replaced when the chain has taken the new one')
    .action((folder: string, _, self: Command) => rotate(folder, self.optsWithGlobals(), io));
  nodeOptions(group.command('request').argument('<keys>', 'a folder with keystore.json and password'))
    .description('sign that a key shall stand for an account of a hospital; prints what the hospital needs')
    .requiredOption('--hospital <name>', 'whose account it is')
    .option('--account <id>', 'the account that it shall stand for (default: a new one)', publicKey)
    .action((keys: string, _, self: Command) => request(keys, self.optsWithGlobals(), io));
  nodeOptions(group.command('list'))
    .description(`the ${role}s of a hospital`)
    .option('--hospital <name>', 'whose (default: those that no hospital answers for)', '')
    .action((_, self: Command) => list(role, self.optsWithGlobals(), io));
  ofHospital(nodeOptions(group.command('show').argument('<account>', name)))
    .description('its role, level, status and key, and how its level has moved')
    .action((who: string, _, self: Command) => show(who, self.optsWithGlobals(), io));
}

function addReport(group: Command, io: Io): void {
  nodeOptions(group.command('report').argument('<account>', 'its id or any of its keys', publicKey))
    .description('report that a task’s content leaked through an account; the validators vote on it')
    .requiredOption('--task <n>', 'which task', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .requiredOption('--evidence <file>', 'what the validators are shown; only its SHA-256 is sent')
    .requiredOption('--keystore <file>', 'the publisher’s keys')
    .option('--password-file <file>', 'its password (default: the file "password" beside it)')
    .action((who: string, _, self: Command) => report(who, self.optsWithGlobals(), io));
}

const ofHospital = (command: Command): Command =>
  command.option('--hospital <name>', 'whose account it is (default: the signer’s)');

const newKeyOptions = (command: Command): Command =>
  command
    .option('--keys <folder>', 'a folder with the keystore.json and password of the new key')
    .option('--request <file>', 'what "request" printed, instead');

type AdmitOptions = SignerOptions & OfHospital & NewKey & { readonly level: number; readonly area: string };

async function admit(role: Role, name: string, options: AdmitOptions, io: Io): Promise<void> {
  const { level, area } = options;
  await act(options, io, async (client, hospital) => {
    const { publicKey: key, possession } = await newKey(client, options, hospital, null);
    const args = {
      publicKey: hexToBytes(key),
      possession: hexToBytes(possession),
      role,
      name,
      hospital,
      level,
      area,
    };
    return { contract: 'identity', method: 'admit', args };
  });
}

async function ofOne(
  method: 'suspend' | 'reinstate',
  who: string,
  options: SignerOptions & OfHospital,
  io: Io,
): Promise<void> {
  await act(options, io, async (client, hospital) => {
    const account = hexToBytes(await accountNamed(client, who, hospital));
    return { contract: 'identity', method, args: { account } };
  });
}

async function recover(who: string, options: SignerOptions & OfHospital & NewKey, io: Io): Promise<void> {
  await act(options, io, async (client, signers) => {
    const found = await client.call('account.get', { publicKey: await accountNamed(client, who, signers) });
    const { publicKey: key, possession } = await newKey(client, options, found.hospital, found.account);
    const account = hexToBytes(found.account);
    const args = { account, publicKey: hexToBytes(key), possession: hexToBytes(possession) };
    return { contract: 'identity', method: 'recover', args };
  });
}

async function setLevel(
  who: string,
  level: number,
  options: SignerOptions & OfHospital,
  io: Io,
): Promise<void> {
  await act(options, io, async (client, hospital) => {
    const account = hexToBytes(await accountNamed(client, who, hospital));
    return { contract: 'levels', method: 'set', args: { entries: [{ account, level }] } };
  });
}

type ReportOptions = SignerOptions & { readonly task: number; readonly evidence: string };

async function report(account: string, options: ReportOptions, io: Io): Promise<void> {
  const evidence = new Uint8Array(createHash('sha256').update(readEvidence(options.evidence)).digest());
  const args = { task: options.task, account: hexToBytes(account), evidence };
  await act({ ...options, hospital: '' }, io, async () => ({ contract: 'levels', method: 'report', args }));
}

function readEvidence(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CliError('bad-config', `${file} cannot be read: ${(error as Error).message}`);
  }
}

/** Signs the call that `callOf` makes for a hospital (the signer's, unless another is named), and tells what came. */
async function act(
  options: SignerOptions & OfHospital,
  io: Io,
  callOf: (client: Client, hospital: string) => Promise<WalletCall>,
): Promise<void> {
  const secret = validatorSecretOf(options);
  const done = await nodesOf(options).use(async (client) => {
    const signer = { publicKey: bytesToHex(publicKeyOf(secret)) };
    const hospital = options.hospital ?? (await client.call('account.get', signer)).hospital;
    return commitCall(client, secret, await callOf(client, hospital));
  });
  const { fields, kinds } = eventsOf(done);
  const { proposal, approvals, needed } = fields;
  const waits = kinds.includes('proposed') || kinds.includes('approved') || kinds.includes('reported');
  const inEffect = !waits || Number(approvals) >= Number(needed);
  const told = {
    inEffect,
    proposal: proposal ?? null,
    approvals,
    needed,
    events: kinds,
    height: done.height,
  };
  if (options.json) io.out(JSON.stringify(told));
  else if (inEffect) io.out(`Done, in block ${done.height}.`);
  else if (approvals === undefined) io.out(`Proposal ${proposal} waits for the validators.`);
  else io.out(`Proposal ${proposal} has ${approvals} of ${needed} approvals.`);
}

/** The new key and its holder's signature: made here from its keystore, or as its holder handed it over. */
async function newKey(
  client: Client,
  { keys, request: file }: NewKey,
  hospital: string,
  account: string | null,
): Promise<Request> {
  if (keys !== undefined) return signRequest(client, keys, hospital, account);
  if (file === undefined) throw new CliError('usage', 'whose key? Give --keys FOLDER, or --request FILE');
  const read = readJsonText(file) as Partial<Request>;
  const { publicKey: key, possession } = read;
  const isWhole = /^[0-9a-f]{64}$/.test(key ?? '') && /^[0-9a-f]{128}$/.test(possession ?? '');
  if (!isWhole || read.hospital !== hospital || read.account !== (account ?? key)) {
    const forWhom = account === null ? `a new account of ${hospital}` : `account ${account} of ${hospital}`;
    throw new CliError('bad-config', `${file} is no request for ${forWhom}: make one with "request"`);
  }
  return read as Request;
}

async function signRequest(
  client: Client,
  folder: string,
  hospital: string,
  account: string | null,
): Promise<Request> {
  const keystore = folder.endsWith('.json') ? folder : join(folder, 'keystore.json');
  if (!existsSync(keystore))
    throw new CliError('usage', `${keystore} is not there: "consilium keys new" makes one`);
  const { sign } = keysOf(keystore);
  const { chainId } = await client.call('chain.status', {});
  const key = publicKeyOf(sign);
  const said = { account: account === null ? key : hexToBytes(account), hospital, publicKey: key };
  const possession = bytesToHex(signPossession(hexToBytes(chainId), said, sign));
  return { publicKey: bytesToHex(key), account: bytesToHex(said.account), hospital, possession };
}

type RequestOptions = Globals & { readonly hospital: string; readonly account?: string };

async function request(keys: string, options: RequestOptions, io: Io): Promise<void> {
  const made = await nodesOf(options).use((client) =>
    signRequest(client, keys, options.hospital, options.account ?? null),
  );
  io.out(JSON.stringify(made));
}

async function list(role: Role, options: Globals & { readonly hospital: string }, io: Io): Promise<void> {
  const accounts = await nodesOf(options).use((client) => listAccounts(client, options.hospital));
  const found = accounts.filter((account) => account.role === role);
  if (options.json) return io.out(JSON.stringify(found));
  const rows = found.map(({ name, level, area, status, account }) => [
    `  ${name}`,
    String(level),
    area || 'none',
    status,
    account,
  ]);
  io.out(formatColumns([['  name', 'level', 'area', 'status', 'account'], ...rows]));
}

async function show(who: string, options: Globals & OfHospital, io: Io): Promise<void> {
  const { account, levels } = await nodesOf(options).use(async (client) => {
    const key = { publicKey: await accountNamed(client, who, options.hospital ?? '') };
    return {
      account: await client.call('account.get', key),
      levels: await client.call('account.levels', key),
    };
  });
  if (options.json) return io.out(JSON.stringify({ ...account, levels }));
  const { name, role, hospital, level, area, status, keys } = account;
  const rise = levels.completions === 0 ? 'no' : levels.completions;
  const rows = [
    [`${role} ${name}`, hospital || 'of no hospital'],
    ['  status', status],
    ['  level', `${level}, with ${levels.completed} of ${rise} completed tasks for the next`],
    ['  area', area || 'none'],
    ['  account', account.account],
    ['  key', `${account.publicKey} (${keys} so far)`],
    ...levels.changes.map(({ height, from, to, cause }) => [
      `  block ${height}`,
      `level ${from} to ${to}: ${cause}`,
    ]),
  ];
  io.out(formatColumns(rows));
}

/** The key by which `who` can be found: itself, or of the account of this name. */
async function accountNamed(client: Client, who: string, hospital: string): Promise<string> {
  if (/^[0-9a-f]{64}$/.test(who)) return who;
  const found = (await listAccounts(client, hospital)).find(({ name }) => name === who);
  if (found !== undefined) return found.account;
  const hint = 'give --hospital NAME, its id or its key';
  throw new CliError('refused', `${hospital || 'no hospital'} has no account ${who}: ${hint}`);
}
