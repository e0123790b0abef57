import type { Command } from 'commander';
import type { ProvisionedAttack } from '../../provision/index.js';
import { epsilon, wholeNumber } from '../args.js';
import { DELTA, type DemoOptions } from '../demo/options.js';
import { formatTable } from '../demo/result.js';
import type { DemoRun } from '../demo/run.js';
import { CliError } from '../failure.js';
import { interrupt } from '../interrupt.js';
import type { Io } from '../io.js';
import { programName } from '../programName.js';
import { attackOf, attackOptions, networkOptions } from './networkOptions.js';

const EXAMPLES = `
Examples:
  consilium demo                                    Pima diabetes data, 30 rounds, ε = 3
  consilium demo --poison 0.3 --epsilon none        poisoned devices, public data: see them refused
  consilium demo --attack sign-flip:0.2:10          another attack, from round 10 on
  consilium demo --data FILE.csv --label COLUMN     any table with two classes
  consilium demo --json | tail -1                   the result as one JSON object`;

/** `consilium demo`: the main job from provisioning to the audit. */
export function addDemo(command: Command, io: Io): void {
  command.option('--rounds <n>', 'training rounds', wholeNumber(1, 1_000), 30);
  attackOptions(networkOptions(command))
    .option('--epsilon <ε>', 'privacy budget of each record, or "none" for public data', epsilon, 3)
    .option('--keep', 'leave the network up and its folder as it is', false)
    .option('--dir <folder>', 'where to put everything (default: a fresh temporary folder)')
    .addHelpText('after', EXAMPLES)
    .action(async (_, self: Command) => {
      await demo(optionsOf(self.optsWithGlobals()), io);
    });
}

type Raw = Omit<
  DemoOptions,
  'delta' | 'task' | 'attack' | 'epsilon' | 'data' | 'schema' | 'label' | 'dir'
> & {
  readonly epsilon: number | 'none';
  readonly poison: number;
  readonly attack?: ProvisionedAttack;
  readonly data?: string;
  readonly schema?: string;
  readonly label?: string;
  readonly dir?: string;
};

function optionsOf(raw: Raw): DemoOptions {
  return {
    rounds: raw.rounds,
    validators: raw.validators,
    devices: raw.devices,
    attack: attackOf(raw),
    epsilon: raw.epsilon === 'none' ? null : raw.epsilon,
    delta: DELTA,
    data: raw.data ?? null,
    schema: raw.schema ?? null,
    label: raw.label ?? null,
    partition: raw.partition,
    seed: raw.seed,
    keep: raw.keep,
    json: raw.json === true,
    dir: raw.dir ?? null,
  };
}

async function demo(options: DemoOptions, io: Io): Promise<void> {
  const { runDemo } = await import('../demo/run.js'); // the tensor library: not for --help
  const { signal, ignore } = interrupt();
  try {
    // The result goes to stdout; with --json nothing else does.
    const run = await runDemo(options, options.json ? process.stderr : io.screen, io.env, signal);
    const tell = options.json ? io.note : io.out;
    tell(`\n${formatTable(run.result, run.notes)}\n\n${closing(options, run)}`);
    if (options.json) io.out(JSON.stringify(run.result));
    if (run.notes.failures.length > 0) throw new CliError('check-failed', run.notes.failures.join('; '));
  } finally {
    ignore();
  }
}

function closing(options: DemoOptions, { result, dir, derivedSchema }: DemoRun): string {
  const run = programName();
  const lines = [`Everything is in ${dir}`, ''];
  if (options.data !== null && derivedSchema) {
    lines.push(
      'Centre and scale of each column were computed from the training rows and published with the task.',
      'That is right for public data only: for private data give a schema from public knowledge (--schema).',
      '',
    );
  }
  if (options.data !== null && options.epsilon === null) {
    lines.push('--epsilon none trains without noise: it declares the data public.', '');
  }
  lines.push('Next:');
  lines.push(`  ${run} chain verify ${result.export} --genesis ${result.genesis}`);
  if (options.keep) {
    lines.push(`  ${run} testnet status ${dir}`);
    lines.push(`  ${run} task publish ${dir}/task.json --network ${dir}`);
    lines.push(`  ${run} testnet down ${dir}`);
  } else {
    if (options.attack === null) {
      lines.push(`  ${run} demo --poison 0.3 --epsilon none    poisoned devices, and how they are found`);
    }
    lines.push(`  ${run} testnet up FOLDER                   a network that stays up`);
  }
  return lines.join('\n');
}
