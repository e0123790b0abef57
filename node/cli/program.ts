import { Command, CommanderError } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { exitCodes } from './exitCodes.js';
import { CliError } from './failure.js';
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
 * Runs the command of these arguments (without program and script). Only what they ask for is loaded in full, the other
 * groups by name. Throws CliError "usage" for arguments that no command takes, and what the command throws.
 */
export async function runCommand(io: Io, given: readonly string[]): Promise<void> {
  const args = spelledOut(given);
  const asked = args.find((argument) => !argument.startsWith('-'));
  const program = await build(io, (name) => name === asked);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return; // --help, --version
    const command = commandOf(program, args);
    if (error.code === 'commander.help') throw new CliError('usage', `${command}: which command?`); // below its help
    throw new CliError('usage', ...usageFault(error.message, command));
  }
}

/** "help task publish" as "task publish --help". */
function spelledOut(args: readonly string[]): readonly string[] {
  return args[0] === 'help' ? [...args.slice(1), '--help'] : args;
}

/** The innermost command that the arguments name, as one types it. */
function commandOf(program: Command, args: readonly string[]): string {
  const names = [program.name()];
  let at = program;
  for (const word of args.filter((argument) => !argument.startsWith('-'))) {
    const inner = at.commands.find((command) => command.name() === word);
    if (inner === undefined) break;
    names.push(word);
    at = inner;
  }
  return names.join(' ');
}

/** Commander's message, without its own word for an error; and what to do. */
function usageFault(message: string, command: string): [string, string] {
  const [said = '', ...more] = message.replace(/^error: /, '').split('\n');
  const shows = command === 'consilium' ? 'lists the commands' : 'shows what it takes, with examples';
  return [[said, ...more].join(' '), `${command} --help ${shows}`];
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
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.note(text.trimEnd()),
      // Told by whoever catches it, in the form of all other errors.
      outputError: () => {},
    })
    .exitOverride();
  for (const [name, { description, load }] of Object.entries(groups)) {
    const group = program.command(name).description(description);
    if (isWanted(name)) (await load())(group, io);
  }
  for (const command of allCommands(program)) command.copyInheritedSettings(program);
  return program;
}

function allCommands(command: Command): Command[] {
  return command.commands.flatMap((inner) => [inner, ...allCommands(inner)]);
}
