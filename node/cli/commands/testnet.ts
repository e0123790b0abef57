import type { Command } from 'commander';
import { committeeRisk, dishonestOf, type Genesis, presets } from '../../../genesis/index.js';
import {
  addNode,
  folderState,
  type Network,
  openFolder,
  openNetwork,
  type ProvisionedAttack,
  provisionNetwork,
} from '../../provision/index.js';
import { nodePid, startTestnet, stopTestnet } from '../../testnet/index.js';
import { epsilon, wholeNumber } from '../args.js';
import { loadData } from '../demo/loadData.js';
import { DELTA } from '../demo/options.js';
import { CliError } from '../failure.js';
import { interrupt } from '../interrupt.js';
import { formatColumns, type Io } from '../io.js';
import { createNodePool } from '../nodePool.js';
import { programName } from '../programName.js';
import { createStatusLine, type StatusLine } from '../statusLine.js';
import { type CommitteeOptions, committeeOptions, riskRows, UNSAFE_HINT } from './committeeOptions.js';
import { attackOf, attackOptions, networkOptions } from './networkOptions.js';
import { addFaults } from './testnetFaults.js';
import { addLogs } from './testnetLogs.js';
import { addPlay } from './testnetPlay.js';

const EXAMPLES = `
Examples:
  consilium testnet up ./net                 provision ./net if it is new, start what does not run
  consilium testnet status ./net
  consilium testnet add ./net                one more validator's folder; then "validator add" votes it in
  consilium testnet logs -f ./net            what they log
  consilium testnet partition ./net 'hospital-1,hospital-2|hospital-3,hospital-4'
  consilium testnet heal ./net               kill, start, pause, resume likewise
  consilium testnet play outage.scenario     a network of its own, with assertions
  consilium testnet down ./net               stop it; "up" starts it again where it was`;

interface UpOptions extends CommitteeOptions {
  readonly validators: number;
  readonly members?: number;
  readonly devices: number;
  readonly data?: string;
  readonly label?: string;
  readonly schema?: string;
  readonly partition: string;
  readonly seed: string;
  readonly epsilon: number | 'none';
  readonly poison: number;
  readonly attack?: ProvisionedAttack;
  readonly json?: boolean;
}

/** `consilium testnet up|status|add|down` and what else is done to a local network that stays. */
export function addTestnet(testnet: Command, io: Io): void {
  testnet.addHelpText('after', EXAMPLES);
  const upCommand = testnet.command('up').argument('<folder>', 'the network, or where to put a new one');
  attackOptions(committeeOptions(networkOptions(upCommand)))
    .description('start every validator; a new folder is provisioned first, with the options below')
    .option('--members <n>', 'size of a committee (default: all validators)', wholeNumber(1, 100))
    .option('--epsilon <ε>', 'what each device may spend on its data, or "none"', epsilon, 3)
    .addHelpText('after', EXAMPLES)
    .action((folder: string, _, self: Command) => up(folder, self.optsWithGlobals(), io));
  testnet
    .command('status')
    .argument('<folder>', 'the network')
    .description('what each validator says of itself')
    .action((folder: string, _, self: Command) => status(folder, self.optsWithGlobals().json === true, io));
  testnet
    .command('add')
    .argument('<folder>', 'the network')
    .argument('[name]', 'of the new validator (default: the next free hospital-N)')
    .description('provision one more validator; the others have to vote it in')
    .addHelpText('after', EXAMPLES)
    .action((folder: string, name: string | undefined, _, self: Command) =>
      add(folder, name ?? null, self.optsWithGlobals().json === true, io),
    );
  testnet
    .command('down')
    .argument('<folder>', 'the network')
    .description('stop every validator; the folder stays')
    .action((folder: string, _, self: Command) => down(folder, self.optsWithGlobals().json === true, io));
  addFaults(testnet, io);
  addLogs(testnet, io);
  addPlay(testnet, io);
}

async function up(folder: string, options: UpOptions, io: Io): Promise<void> {
  const { signal, ignore } = interrupt();
  const line = createStatusLine(options.json ? { ...io, note: () => {} } : io, options.json === true);
  try {
    const isNew = folderState(folder) !== 'network';
    if (isNew) line.show('writing keys, genesis and shards of data');
    const network = isNew ? await provision(folder, options, io) : openNetwork(folder);
    const started = await start(network, line, signal);
    line.close();
    const nodes = network.file.nodes.map(({ name, rpc }) => ({ name, rpc, pid: nodePid(network, name) }));
    if (options.json) {
      io.out(JSON.stringify({ folder: network.dir, provisioned: isNew, started, nodes }));
      return;
    }
    io.out(`${isNew ? 'Provisioned' : 'Opened'} ${network.dir}, started ${started} of ${nodes.length}.`);
    io.out(formatColumns(nodes.map(({ name, rpc, pid }) => [`  ${name}`, rpc, `pid ${pid ?? 'none'}`])));
    io.out(`Open ${nodes[0]!.rpc} in a browser: the explorer.`);
    io.out(`Stop it with: ${programName()} testnet down ${folder}`);
  } finally {
    line.close();
    ignore();
  }
}

/** Starts what does not run yet, and tells who is ready. Gives how many were started. */
async function start(network: Network, line: StatusLine, signal: AbortSignal): Promise<number> {
  const waiting = network.file.nodes.filter(({ name }) => nodePid(network, name) === null).length;
  const tell = (ready: number) =>
    line.show(`starting ${waiting} validators${ready === 0 ? '' : `, ${ready} ready`}`);
  if (waiting > 0) tell(0);
  let ready = 0;
  const started = await startTestnet(network, { withParent: false, signal }, () => {
    ready += 1;
    if (line.isDrawn) tell(ready);
  });
  return started.length;
}

function provision(folder: string, options: UpOptions, io: Io): Promise<Network> {
  const { data, label, schema, partition, seed, validators, devices } = options;
  const source = {
    data: data ?? null,
    label: label ?? null,
    schema: schema ?? null,
    partition,
    seed,
    validators,
    devices,
  };
  return provisionNetwork({
    dir: folder,
    name: 'testnet',
    time: Date.now(),
    validators,
    devices,
    data: loadData(source),
    epsilonMicro: options.epsilon === 'none' ? 0 : Math.round(options.epsilon * 1e6),
    deltaPico: options.epsilon === 'none' ? 0 : Math.round(DELTA * 1e12),
    attack: attackOf(options),
    seed,
    members: options.members ?? null,
    capture: {
      dishonest: options.dishonest ?? null,
      heights: options.heights ?? presets.local.capture.heights,
      allowUnsafe: options.allowUnsafeCommittee,
    },
    accept: (genesis) => acceptCommittee(genesis, options, io),
  });
}

/** A network whose committees may be captured is not made by accident. */
function acceptCommittee(genesis: Genesis, options: UpOptions, io: Io): void {
  const { offline, allowUnsafeCommittee } = options;
  const expected = { dishonest: dishonestOf(genesis), offline, heights: genesis.params.capture.heights };
  const risk = committeeRisk(genesis, expected);
  if (risk.isSafe) return;
  io.note(formatColumns(riskRows(risk, expected)));
  if (!allowUnsafeCommittee) throw new CliError('usage', 'the committees could be captured', UNSAFE_HINT);
}

async function status(folder: string, json: boolean, io: Io): Promise<void> {
  const network = openNetwork(folder);
  const { clients } = createNodePool(network.file.nodes.map(({ rpc }) => rpc));
  const answers = await Promise.allSettled(clients.map((client) => client.call('node.status', {})));
  const nodes = network.file.nodes.map(({ name, rpc }, index) => {
    const answer = answers[index]!;
    const pid = nodePid(network, name);
    if (answer.status === 'rejected') return { name, rpc, pid, up: false as const };
    const { height, hash, peers, agreement, metrics } = answer.value;
    return { name, rpc, pid, up: true as const, height, hash, peers, agreement, metrics };
  });
  if (json) {
    io.out(JSON.stringify({ folder: network.dir, chainId: network.file.chainId, nodes }));
    return;
  }
  const rows = nodes.map((node) => {
    const pid = node.pid === null ? '' : `pid ${node.pid}`;
    // A process that runs and does not answer: paused, or it has just been started.
    if (!node.up) return [node.name, node.pid === null ? 'down' : 'silent', '', '', node.rpc, pid];
    return [
      node.name,
      'up',
      `height ${node.height}`,
      `${node.peers} peers, block ${node.hash.slice(0, 12)}`,
      node.rpc,
      pid,
    ];
  });
  io.out(formatColumns(rows));
}

async function add(folder: string, chosen: string | null, json: boolean, io: Io): Promise<void> {
  const { name, publicKey, vrfPublicKey } = await addNode(folder, chosen);
  if (json) {
    io.out(JSON.stringify({ name, publicKey, vrfPublicKey }));
    return;
  }
  io.out(
    formatColumns([
      ['validator', name],
      ['public key', publicKey],
      ['VRF public key', vrfPublicKey],
    ]),
  );
  const command = `${programName()} validator add ${name} --network ${folder} --as VALIDATOR`;
  io.out(`Start it with: ${programName()} testnet up ${folder}`);
  io.out(`More than two thirds of the validators vote it in, each with: ${command}`);
}

async function down(folder: string, json: boolean, io: Io): Promise<void> {
  const network = openFolder(folder); // also with a genesis that is broken: it has to end
  const stopped = await stopTestnet(network);
  if (json) io.out(JSON.stringify({ folder: network.dir, stopped }));
  else io.out(stopped.length === 0 ? 'Nothing was running.' : `Stopped ${stopped.join(', ')}.`);
}
