import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { addAccount } from './commands/account.js';
import { addChain } from './commands/chain.js';
import { addData } from './commands/data.js';
import { addDemo } from './commands/demo.js';
import { addDevice } from './commands/device.js';
import { addGenesis } from './commands/genesis.js';
import { addKeys } from './commands/keys.js';
import { addLight } from './commands/light.js';
import { addModel } from './commands/model.js';
import { addNode } from './commands/nodeStart.js';
import { addTask } from './commands/task.js';
import { addTestnet } from './commands/testnet.js';
import { addValidatorCommands } from './commands/validator.js';
import { exitCodes } from './exitCodes.js';
import type { Io } from './io.js';

const exitList = Object.entries(exitCodes)
  .map(([name, code]) => `  ${String(code).padStart(3)}  ${name}`)
  .join('\n');

const AFTER_HELP = `
Start here:
  consilium demo            four hospitals train a diabetes model, and the chain is audited

Exit codes:
${exitList}

Environment:
  NO_COLOR                  set to anything: no colours
  CONSILIUM_DEBUG=1         errors come with where they arose`;

/** The whole command line. Throws CommanderError instead of ending the process. */
export function buildProgram(io: Io): Command {
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
  addDemo(program, io);
  addTestnet(program, io);
  addNode(program, io);
  addValidatorCommands(program, io);
  addTask(program, io);
  addAccount(program, io);
  addData(program, io);
  addModel(program, io);
  addDevice(program, io);
  addChain(program, io);
  addLight(program, io);
  addGenesis(program, io);
  addKeys(program, io);
  for (const command of allCommands(program)) command.copyInheritedSettings(program);
  return program;
}

function allCommands(command: Command): Command[] {
  return command.commands.flatMap((inner) => [inner, ...allCommands(inner)]);
}
