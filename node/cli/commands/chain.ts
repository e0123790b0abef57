import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { AuditReport } from '../../../audit/index.js';
import { readGenesis } from '../../provision/index.js';
import { CliError } from '../failure.js';
import type { Io } from '../io.js';
import { addFolderCommands } from './chainFolder.js';
import { addRepair } from './chainRepair.js';
import { type NodeOptions, nodeOptions, nodesOf } from './nodeOptions.js';

const EXAMPLES = `
Examples:
  consilium chain export chain.car --network ./net
  consilium chain verify chain.car --genesis ./net/genesis.json
  consilium chain verify chain.car --genesis genesis.json --anchor 61:9f2c...   pin a head that you know`;

/** Reasons of a divergence that lies in the file, not in the chain. */
const UNREADABLE: readonly string[] = ['not-an-export', 'cut-short', 'wrong-bytes', 'disorder'];

/** `consilium chain export|verify|repair|backup|compact`. */
export function addChain(program: Command, io: Io): void {
  const chain = program
    .command('chain')
    .description('export a chain, audit an export offline, repair, back up or compact a folder')
    .addHelpText('after', EXAMPLES);
  nodeOptions(chain.command('export').argument('<file>', 'the CAR file to write'))
    .description('write blocks, certificates and payloads of a node’s chain into one file')
    .action(async (file: string, _, self: Command) => {
      await exportTo(file, self.optsWithGlobals(), io);
    });
  chain
    .command('verify')
    .argument('<file>', 'an exported chain')
    .description('replay a chain from its genesis, with no network, and name the first thing that is wrong')
    .requiredOption('--genesis <file>', 'the genesis that you trust')
    .option('--anchor <height:hash>', 'a block that you know from elsewhere', anchor)
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, _, self: Command) => {
      await verify(file, self.optsWithGlobals(), io);
    });
  addRepair(chain, io);
  addFolderCommands(chain, io);
}

async function exportTo(file: string, options: NodeOptions & { json?: boolean }, io: Io): Promise<void> {
  const { exportChain } = await import('../../export/index.js');
  const done = await nodesOf(options).use(({ url }) => exportChain({ url, file }));
  if (options.json) io.out(JSON.stringify({ file, ...done }));
  else io.out(`${file}: ${done.blocks} blocks, ${done.payloads} payloads, ${done.bytes} bytes`);
}

async function verify(
  file: string,
  { genesis, anchor: pinned, json }: { genesis: string; anchor?: string; json?: boolean },
  io: Io,
): Promise<void> {
  readGenesis(genesis); // its faults have exit codes of their own
  const { verifyExport } = await import('../../export/index.js');
  const base = { file, genesisFile: genesis };
  const report = await verifyExport(pinned === undefined ? base : { ...base, anchor: pinned });
  io.out(json ? JSON.stringify(report) : formatReport(report));
  if (report.ok) return;
  const unreadable = UNREADABLE.includes(report.divergence?.reason ?? '');
  throw new CliError(unreadable ? 'bad-export' : 'check-failed', 'the chain does not hold');
}

/** The audit's report for people. Pure. */
export function formatReport({ ok, checked, head, divergence, assumptions }: AuditReport): string {
  const lines = [ok ? 'The chain holds.' : 'The chain does NOT hold.'];
  lines.push(`  head      height ${head.height}, ${head.hash}`);
  const counts = Object.entries(checked).filter(([, count]) => count > 0);
  for (const [what, count] of counts) lines.push(`  checked   ${count} ${spaced(what)}`);
  if (divergence !== null) {
    const place = [
      `height ${divergence.height}`,
      divergence.transaction === null ? null : `transaction ${divergence.transaction}`,
      divergence.key === null ? null : `key ${divergence.key}`,
    ].filter((part) => part !== null);
    lines.push(`  first divergence   ${place.join(', ')}: ${divergence.reason}: ${divergence.detail}`);
  }
  for (const assumption of assumptions) lines.push(`  assumes   ${assumption}`);
  return lines.join('\n');
}

/** "stateRoots" as "state roots". */
function spaced(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function anchor(text: string): string {
  if (/^\d{1,15}:[0-9a-f]{64}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be HEIGHT:HASH, the hash as 64 hex digits.');
}
