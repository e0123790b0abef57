import { join } from 'node:path';
import type { Command } from 'commander';
import { formatTable } from '../demo/result.js';
import type { DemoRun } from '../demo/run.js';
import { CliError } from '../failure.js';
import { interrupt } from '../interrupt.js';
import type { Io } from '../io.js';
import { nearPath, programName } from '../programName.js';
import { readStudy } from '../study/read.js';

const EXAMPLES = `
Examples:
  consilium run my-study            trains it on a local network, audits the chain, writes the model
  consilium run my-study --keep     and leaves the network up, with its explorer
  consilium run my-study --json     the result as one JSON object`;

/** `consilium run`: a study on a local network, from the data to an audited model. */
export function addRun(command: Command, io: Io): void {
  command
    .argument('[folder]', 'the study, as "consilium new" makes one', '.')
    .option('--keep', 'leave the network up', false)
    .addHelpText('after', EXAMPLES)
    .action(async (folder: string, _, self: Command) => run(folder, self.optsWithGlobals(), io));
}

async function run(
  folder: string,
  { keep, json = false }: { readonly keep: boolean; readonly json?: boolean },
  io: Io,
): Promise<void> {
  const options = readStudy(folder, { keep, json });
  const { runDemo } = await import('../demo/run.js'); // the tensor library: not for --help
  const { signal, ignore } = interrupt();
  try {
    const done = await runDemo(options, json ? process.stderr : io.screen, io.env, signal);
    const model = await writeModels(done);
    const tell = json ? io.note : io.out;
    tell(`\n${formatTable(done.result, done.notes)}\n\n${closing(done, model, keep)}`);
    if (json) io.out(JSON.stringify({ ...done.result, model }));
    if (done.notes.failures.length > 0) throw new CliError('check-failed', done.notes.failures.join('; '));
  } finally {
    ignore();
  }
}

/** The model out of the exported chain, by replaying it: its card can say so. */
async function writeModels({ result, dir }: DemoRun): Promise<string> {
  const { factsFromExport, writeModel } = await import('../../model/index.js');
  const folder = join(dir, 'model');
  writeModel(await factsFromExport(result.export, result.genesis, 1), 'safetensors', folder);
  return folder;
}

function closing({ dir, result }: DemoRun, model: string, keep: boolean): string {
  const program = programName();
  const [near, car, genesis] = [dir, result.export, result.genesis].map((path) => nearPath(path));
  const lines = [
    `Everything is in ${near}; the model and its card in ${nearPath(model)}`,
    '',
    'Next:',
    `  ${program} model evaluate 1 --car ${car} --genesis ${genesis} --data FILE.csv`,
    `  ${program} chain verify ${car} --genesis ${genesis} --report ${near}/audit.md`,
  ];
  if (keep) lines.push(`  ${program} testnet status ${near}`, `  ${program} testnet down ${near}`);
  return lines.join('\n');
}
