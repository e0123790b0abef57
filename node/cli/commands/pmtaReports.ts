import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import {
  type ChainReportsFault,
  encodeReports,
  type ReportedPiece,
  readReports,
  reportsOfChain,
  WINDOWS_MAX,
} from '../../pmta/index.js';
import { writeWhole } from '../../wholeFile.js';
import { wholeNumber } from '../args.js';
import { CliError } from '../failure.js';
import { formatColumns, type Io } from '../io.js';
import { checkOut, writingTo } from '../outFile.js';
import { type NodeOptions, nodeOptions, nodesOf } from './nodeOptions.js';

const EXAMPLES = `
Examples:
  consilium pmta reports --network ./net --out reports.json
  consilium pmta reports --node http://127.0.0.1:4001 --hospital north --from-task 200 --windows 8 --out reports.json
  consilium pmta run patients.csv ... --reports reports.json --out levels.json

A task with sealed content is a piece; its readers are the providers that its publisher admitted, and reported is whom
"publisher report" named. The node shows readers to its own machine alone. The file has names of providers, areas and
windows, and no attribute of anybody.`;

/** As in the study of docs/results.md: each is foretold from the others. */
const WINDOWS = 6;

interface Options extends NodeOptions {
  readonly out: string;
  readonly hospital?: string;
  readonly fromTask: number;
  readonly windows: number;
  readonly json?: boolean;
}

/** `consilium pmta reports`. */
export function addReports(pmta: Command, io: Io): void {
  nodeOptions(pmta.command('reports'))
    .description('what providers read on a chain, and who of them was reported for a leak')
    .option('--hospital <name>', 'only its providers (default: all)')
    .option('--from-task <n>', 'only tasks from this number on', wholeNumber(1, Number.MAX_SAFE_INTEGER), 1)
    .option(
      '--windows <n>',
      'spans with as many tasks each, into which an area’s are cut',
      wholeNumber(2, WINDOWS_MAX),
      WINDOWS,
    )
    .requiredOption('--out <file.json>', 'where they go, for "pmta run --reports"')
    .addHelpText('after', EXAMPLES)
    .action((_, self: Command) => take(self.optsWithGlobals(), io));
}

async function take(options: Options, io: Io): Promise<void> {
  const { out, fromTask: from, windows, hospital = null } = options;
  mayGo(out);
  const found = await nodesOf(options).use((client) => reportsOfChain(client, { hospital, from, windows }));
  if (!found.ok) throw refusal(found.fault, hospital);
  await writingTo(out, writeWhole(out, encodeReports(found.pieces)));
  const byArea = new Map<string, ReportedPiece[]>();
  for (const piece of found.pieces) {
    const own = byArea.get(piece.area) ?? [];
    byArea.set(piece.area, own);
    own.push(piece);
  }
  const areas = [...byArea].map(([area, own]) => told(area, own));
  for (const { area, reportedWindows } of areas)
    if (reportedWindows < 2)
      io.note(`${area}: reports in ${reportedWindows} windows, and "pmta run" needs them in two or more`);
  io.out(options.json ? JSON.stringify({ out, areas }) : formatAreas(areas));
}

/** Older reports may be written over, and nothing else: a result of "pmta run" also holds what is spent. */
function mayGo(out: string): void {
  checkOut(out);
  if (!existsSync(out)) return;
  try {
    readReports(out);
  } catch (cause) {
    throw new CliError('usage', `${out} is there and holds no reports: name another file`, null, { cause });
  }
}

function told(area: string, pieces: readonly ReportedPiece[]) {
  const leaked = pieces.filter(({ reported }) => reported.length > 0);
  return {
    area,
    pieces: pieces.length,
    readers: new Set(pieces.flatMap(({ readers }) => readers)).size,
    reported: new Set(leaked.flatMap(({ reported }) => reported)).size,
    windows: new Set(pieces.map(({ window }) => window)).size,
    reportedWindows: new Set(leaked.map(({ window }) => window)).size,
  };
}

function formatAreas(areas: readonly ReturnType<typeof told>[]): string {
  const head = ['  area', 'pieces', 'readers', 'reported', 'windows', 'with reports'];
  const rows = areas.map(({ area, ...counts }) => [`  ${area}`, ...Object.values(counts).map(String)]);
  return formatColumns([head, ...rows]);
}

function refusal(fault: ChainReportsFault, hospital: string | null): CliError {
  switch (fault.reason) {
    case 'nothing-read': {
      const whose = hospital === null ? 'nobody' : `no provider of ${hospital}`;
      return new CliError('refused', `${whose} was admitted to a task’s sealed content (docs/tasks.md)`);
    }
    case 'too-many':
      return new CliError('refused', 'there are too many tasks', 'take the newer ones: --from-task N');
    case 'same-name':
      return new CliError(
        'refused',
        `area ${fault.area} has two providers called ${fault.name}, of different hospitals`,
        'take one hospital at a time: --hospital NAME',
      );
    default:
      return fault satisfies never;
  }
}
