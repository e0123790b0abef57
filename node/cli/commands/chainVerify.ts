import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { type AuditReport, formatDocument, labelOf, placeOf, verdictOf } from '../../../audit/index.js';
import { readGenesis } from '../../provision/index.js';
import { HEIGHT_MAX, wholeNumber } from '../args.js';
import { CliError } from '../failure.js';
import type { Io } from '../io.js';
import { createVerifyProgress } from './verifyProgress.js';

const EXAMPLES = `
Examples:
  consilium chain verify chain.car --genesis ./net/genesis.json
  consilium chain verify chain.car --genesis genesis.json --anchor 61:9f2c...   pin a head that you know
  consilium chain verify chain.car --genesis genesis.json --report audit.md     a document to file
  consilium chain verify year.car --genesis genesis.json --from 1000            a range, exported as one

Exit codes: 0 it holds, 1 it does not, 7 the file is no whole export, 14 nothing is wrong and not all could be checked.`;

/** Reasons of a divergence that lies in the file, not in the chain. */
const UNREADABLE: readonly string[] = ['not-an-export', 'cut-short', 'wrong-bytes', 'disorder'];
const THREADS_MAX = 64;

interface Options {
  readonly genesis: string;
  readonly anchor: readonly string[];
  readonly from: number;
  readonly threads?: number;
  readonly report?: string;
  readonly json?: boolean;
}

/** `consilium chain verify`. */
export function addVerify(chain: Command, io: Io): void {
  chain
    .command('verify')
    .argument('<file>', 'an exported chain')
    .description('replay a chain from its genesis, with no network, and name the first thing that is wrong')
    .requiredOption('--genesis <file>', 'the genesis that you trust')
    .option('--anchor <height:hash>', 'a block that you know from elsewhere; may be given again', anchors, [])
    .option(
      '--from <height>',
      'the first height of the file, if it is a range',
      wholeNumber(1, HEIGHT_MAX),
      1,
    )
    .option('--report <file>', 'also write the report as a document (Markdown) that can be filed')
    .option(
      '--threads <n>',
      'threads that check signatures; one a core if not given',
      wholeNumber(0, THREADS_MAX),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, _, self: Command) => {
      await verify(file, self.optsWithGlobals(), io);
    });
}

async function verify(file: string, options: Options, io: Io): Promise<void> {
  const { genesis, anchor, from, report: document, json = false } = options;
  readGenesis(genesis); // its faults have exit codes of their own
  const { verifyExport } = await import('../../export/index.js');
  const progress = createVerifyProgress(io, json);
  const threads = options.threads ?? availableParallelism();
  const { update } = progress;
  const verified = verifyExport({
    file,
    genesisFile: genesis,
    anchors: anchor,
    from,
    threads,
    onProgress: update,
  });
  const report = await verified.finally(() => progress.close());
  if (document !== undefined) writeDocument(document, formatDocument(report, report.source));
  io.out(json ? JSON.stringify(report) : formatReport(report));
  if (!report.ok) {
    const unreadable = UNREADABLE.includes(report.divergence?.reason ?? '');
    const isOther = report.divergence?.reason === 'wrong-chain' && report.head.height === 0;
    const hint = isOther ? 'is --genesis the genesis of the network that was exported?' : null;
    throw new CliError(unreadable ? 'bad-export' : 'check-failed', 'the chain does not hold', hint);
  }
  if (!report.complete)
    throw new CliError('incomplete', 'nothing is wrong, but not everything could be checked');
}

function writeDocument(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (cause) {
    throw new CliError('usage', `the report cannot be written to ${path}`, null, { cause });
  }
}

/** The audit's report for people, in a few lines. Pure. */
export function formatReport(report: AuditReport): string {
  const { checked, head, range, divergence, unchecked, anchors, assumptions } = report;
  const lines = [verdictOf(report)];
  if (range !== null && range.from > 1) lines.push(`  range     heights ${range.from} to ${range.to}`);
  lines.push(`  head      height ${head.height}, ${head.hash}`);
  const names = Object.keys(checked) as (keyof typeof checked)[];
  for (const name of names)
    if (checked[name] > 0) lines.push(`  checked   ${checked[name]} ${labelOf(name)}`);
  for (const { height, met } of anchors)
    lines.push(`  anchor    height ${height}: ${met ? 'met' : 'NOT met'}`);
  if (divergence !== null)
    lines.push(`  first divergence   ${placeOf(report)}: ${divergence.reason}: ${divergence.detail}`);
  for (const { what, count, first, last, why } of unchecked)
    lines.push(`  not checked   ${what}: ${count}, heights ${first} to ${last}: ${why}`);
  for (const assumption of assumptions) lines.push(`  assumes   ${assumption}`);
  return lines.join('\n');
}

function anchors(text: string, before: readonly string[]): readonly string[] {
  if (/^\d{1,15}:[0-9a-f]{64}$/.test(text)) return [...before, text];
  throw new InvalidArgumentError('It must be HEIGHT:HASH, the hash as 64 hex digits.');
}
