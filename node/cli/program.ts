import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { exitCodes } from './exitCodes.js';
import type { Io } from './io.js';

const exitList = Object.entries(exitCodes)
  .map(([name, code]) => `  ${String(code).padStart(3)}  ${name}`)
  .join('\n');

const AFTER_HELP = `
Start here:
  consilium demo            four hospitals train a diabetes model, and the chain is audited
  consilium new my-study    a study of your own, then: consilium run my-study
  consilium init ./north    your hospital’s node of a real network (docs/operate/network.md)

Exit codes:
${exitList}

Environment:
  NO_COLOR                  set to anything: no colours
  CONSILIUM_DEBUG=1         errors come with where they arose
  CONSILIUM_CONFIG          the configuration of "node start"; its settings likewise (config explain)`;

interface Group {
  readonly description: string;
  /** Its module, loaded only when it is asked for: what one command needs (tensor library, network, database) costs the others nothing. */
  readonly load: () => Promise<(group: Command, io: Io) => void>;
}

/** In the order of the help. */
const groups: Readonly<Record<string, Group>> = {
  demo: {
    description: 'run a whole network on this machine: train a model, export the chain, audit it',
    load: async () => (await import('./commands/demo.js')).addDemo,
  },
  new: {
    description: 'write a folder with all that a training study is made of',
    load: async () => (await import('./commands/new.js')).addNew,
  },
  run: {
    description: 'train a study on a local network, audit the chain, write the model',
    load: async () => (await import('./commands/run.js')).addRun,
  },
  testnet: {
    description: 'a local network: start, look at, stop',
    load: async () => (await import('./commands/testnet.js')).addTestnet,
  },
  init: {
    description: 'a hospital’s own folder: keys that never leave it, and a card for the others',
    load: async () => (await import('./commands/init.js')).addInit,
  },
  join: {
    description: 'check the genesis that was made of the cards, and get ready to start',
    load: async () => (await import('./commands/init.js')).addJoin,
  },
  card: {
    description: 'cards of validators: look at one, make a new one, take one in',
    load: async () => (await import('./commands/card.js')).addCard,
  },
  node: {
    description: 'run a validator',
    load: async () => (await import('./commands/nodeStart.js')).addNode,
  },
  doctor: {
    description: 'find what is wrong with a node, and how to mend it',
    load: async () => (await import('./commands/doctor.js')).addDoctor,
  },
  validator: {
    description: 'who validates: look, propose changes, approve them',
    load: async () => (await import('./commands/validator.js')).addValidatorCommands,
  },
  task: {
    description: 'publish training tasks, follow them, fetch their models',
    load: async () => (await import('./commands/task.js')).addTask,
  },
  account: {
    description: 'what an account has in tokens, and how they move',
    load: async () => (await import('./commands/account.js')).addAccount,
  },
  data: {
    description: 'look at data before it is trained on',
    load: async () => (await import('./commands/data.js')).addData,
  },
  model: {
    description: 'measure a trained model on your own rows, take it out of the chain',
    load: async () => (await import('./commands/model.js')).addModel,
  },
  evaluation: {
    description:
      'what a model is worth on rows that devices kept from training, and what its publisher claims',
    load: async () => (await import('./commands/evaluation.js')).addEvaluation,
  },
  device: {
    description: 'devices of a hospital: their accounts, and what they do for it',
    load: async () => (await import('./commands/device.js')).addDevice,
  },
  publisher: {
    description: 'accounts that publish tasks',
    load: async () => (await import('./commands/accounts.js')).addPublisher,
  },
  provider: {
    description: 'accounts that take sealed tasks',
    load: async () => (await import('./commands/accounts.js')).addProvider,
  },
  pmta: {
    description: 'levels for providers from what they are like, by PMTA’s classification',
    load: async () => (await import('./commands/pmta.js')).addPmta,
  },
  chain: {
    description: 'export a chain, audit an export offline, repair, back up, prune or compact a folder',
    load: async () => (await import('./commands/chain.js')).addChain,
  },
  light: {
    description: 'check single facts against certified headers, without holding the chain',
    load: async () => (await import('./commands/light.js')).addLight,
  },
  genesis: {
    description: 'look at a genesis file before a consortium agrees on it',
    load: async () => (await import('./commands/genesis.js')).addGenesis,
  },
  config: {
    description: 'what a node’s settings are, and where each comes from',
    load: async () => (await import('./commands/config.js')).addConfig,
  },
  keys: {
    description: 'make and look at key files',
    load: async () => (await import('./commands/keys.js')).addKeys,
  },
  completion: {
    description: 'a script that lets a shell complete this command line',
    load: async () => (await import('./commands/completion.js')).addCompletion,
  },
};

/**
 * The command line for these arguments (without program and script): the groups by name, and what the arguments ask
 * for in full. Throws CommanderError instead of ending the process.
 */
export function buildProgram(io: Io, args: readonly string[]): Promise<Command> {
  const asked = askedFor(args);
  return build(io, (name) => name === asked);
}

/** With every group in full. */
export function buildWholeProgram(io: Io): Promise<Command> {
  return build(io, () => true);
}

async function build(io: Io, isWanted: (group: string) => boolean): Promise<Command> {
  const program = new Command('consilium')
    .description('A permissioned blockchain node on which hospitals train a model together.')
    .version(packageJson.version)
    .option('--json', 'for programs: results and errors as JSON')
    .addHelpText('after', AFTER_HELP)
    .showHelpAfterError('(consilium --help lists the commands)')
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.note(text.trimEnd()),
    })
    .exitOverride();
  for (const [name, { description, load }] of Object.entries(groups)) {
    const group = program.command(name).description(description);
    if (isWanted(name)) (await load())(group, io);
  }
  for (const command of allCommands(program)) command.copyInheritedSettings(program);
  return program;
}

/** The first word that is no option (those of the program itself take no value); "help task" is about task. */
function askedFor(args: readonly string[]): string | undefined {
  const words = args.filter((argument) => !argument.startsWith('-'));
  return words[0] === 'help' ? words[1] : words[0];
}

function allCommands(command: Command): Command[] {
  return command.commands.flatMap((inner) => [inner, ...allCommands(inner)]);
}
