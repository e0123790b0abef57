import { type Command, Option } from 'commander';
import { type ExportFormat, exportFormats, writeModel } from '../../model/index.js';
import { wholeNumber } from '../args.js';
import { formatColumns, type Io } from '../io.js';
import { addEvaluate } from './modelEvaluate.js';
import { type FactsOptions, factsOf, factsOptions } from './modelOptions.js';

const EXAMPLES = `
Examples:
  consilium model evaluate 1 --data test.csv --network ./net --by sex --by age:40,65
  consilium model export 1 --format tfjs --to ./model --network ./net
  consilium model export 1 --format safetensors --to ./model --car chain.car --genesis genesis.json`;

interface ExportOptions extends FactsOptions {
  readonly format: ExportFormat;
  readonly to: string;
  readonly json?: boolean;
}

/** `consilium model evaluate|export`. */
export function addModel(model: Command, io: Io): void {
  model.addHelpText('after', EXAMPLES);
  addEvaluate(model, io);
  const task = wholeNumber(1, Number.MAX_SAFE_INTEGER);
  const format = new Option('--format <name>', 'of the files').choices(exportFormats).makeOptionMandatory();
  factsOptions(model.command('export').argument('<task>', 'its number', task))
    .description('write the newest model of a task, the schema of its inputs and its card')
    .addOption(format)
    .requiredOption('--to <folder>', 'where; new or empty')
    .addHelpText('after', EXAMPLES)
    .action((id: number, _, self: Command) => exportModel(id, self.optsWithGlobals(), io));
}

async function exportModel(task: number, options: ExportOptions, io: Io): Promise<void> {
  const facts = await factsOf(options, task);
  const card = writeModel(facts, options.format, options.to);
  if (options.json) return io.out(JSON.stringify({ folder: options.to, ...card }));
  const { closed, asked } = card.training.rounds;
  const rows = [
    ['model', `${card.model.id}, ${card.model.parameters} parameters`],
    ['task', `${task}: ${card.title}, ${closed} of ${asked} rounds`],
    [
      'known',
      card.known === 'replayed' ? 'by replaying the export' : 'from a node: card.md says how to verify it',
    ],
    ...card.files.map(({ name, sha256 }) => [name, sha256]),
  ];
  io.out(`${formatColumns(rows)}\nWritten to ${options.to}, with card.md and card.json.`);
}
