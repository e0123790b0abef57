import type { Command } from 'commander';
import type { Io } from '../io.js';
import { addExport } from './chainExport.js';
import { addFolderCommands } from './chainFolder.js';
import { addRepair } from './chainRepair.js';
import { addVerify } from './chainVerify.js';

const EXAMPLES = `
Examples:
  consilium chain export chain.car --network ./net
  consilium chain verify chain.car --genesis ./net/genesis.json
  consilium chain verify chain.car --genesis genesis.json --anchor 61:9f2c...   pin a head that you know`;

/** `consilium chain export|verify|repair|backup|prune|compact`. */
export function addChain(chain: Command, io: Io): void {
  chain.addHelpText('after', EXAMPLES);
  addExport(chain, io);
  addVerify(chain, io);
  addRepair(chain, io);
  addFolderCommands(chain, io);
}
