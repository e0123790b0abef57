import type { Command } from 'commander';
import {
  epsilonMicroOfRho,
  type HistogramReport,
  histogramReport,
  histogramRho,
  type MeasureName,
} from '../../../fl/index.js';
import type { ResultOf } from '../../rpc/index.js';
import { share, wholeNumber } from '../args.js';
import { CliError } from '../failure.js';
import { formatColumns, type Io } from '../io.js';
import { titles } from './modelEvaluate.js';
import { type NodeOptions, nodeOptions, nodesOf } from './nodeOptions.js';

const WAIT_MS = 10_000;

interface Options extends NodeOptions {
  readonly specificity: number;
  readonly wait?: boolean;
  readonly json?: boolean;
}

type Evaluation = ResultOf<'evaluation.get'>;

/** `consilium evaluation result`. */
export function addResult(evaluation: Command, io: Io): void {
  nodeOptions(evaluation.command('result'))
    .argument('<evaluation>', 'its number', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .description('measures from the summed counts, with intervals that include the noise')
    .option('--specificity <share>', 'at which to tell the sensitivity', share, 0.9)
    .option('--wait', 'until it has ended')
    .action((id: number, _, self: Command) => result(id, self.optsWithGlobals(), io));
}

async function result(id: number, options: Options, io: Io): Promise<void> {
  const nodes = nodesOf(options);
  const ask = (waitMs: number) =>
    nodes.use((client) => client.call('evaluation.get', { evaluation: id, waitMs }));
  let found = await ask(0);
  while (options.wait === true && found.status === 'open') found = await ask(WAIT_MS);
  if (found.status === 'failed' || found.sum === null)
    throw new CliError(
      'check-failed',
      `evaluation ${id} failed: ${found.answered.length} answers for a quorum of ${found.spec.quorum}`,
    );
  const { specificity } = options;
  const setting = { answers: found.answered.length, sigma16: found.spec.sigma16, specificity };
  const report = histogramReport(found.sum, setting);
  if (options.json) io.out(JSON.stringify({ ...found, specificity, report }));
  else io.out(formatResult(found, report, specificity, await costOf(found, nodes)));
}

async function costOf({ spec }: Evaluation, nodes: ReturnType<typeof nodesOf>): Promise<string> {
  if (spec.sigma16 === 0) return 'none: the data were declared public';
  const plan = await nodes.use((client) => client.call('evaluation.plan', { task: spec.task }));
  const { deltaPico } = plan!;
  const cost = epsilonMicroOfRho(histogramRho(spec.sigma16), deltaPico) / 1e6;
  return `ε = ${cost.toFixed(2)} of each held-out record at δ = ${deltaPico / 1e12}, declared`;
}

/** Pure. */
export function formatResult(
  { id, spec, status, answered }: Evaluation,
  report: HistogramReport,
  specificity: number,
  cost: string,
): string {
  const head = [
    ['evaluation', `${id}, ${status}: the model of round ${spec.round} of task ${spec.task}`],
    ['answers', `${answered.length} devices, about ${Math.round(report.rows)} held-out rows`],
    ['positive', `about ${Math.round(report.positives)}`],
    ['cost', cost],
  ];
  const lines = Object.entries(titles).map(([key, title]) => {
    const found = report.measures[key as MeasureName];
    const of = key === 'sensitivity' ? `${title} at specificity ${specificity}` : title;
    if (found === null) return [`  ${of}`, 'none', ''];
    return [`  ${of}`, found.value.toFixed(3), `${found.low.toFixed(3)} to ${found.high.toFixed(3)}`];
  });
  const note = `Ranges: 95 %, of rows and noise, from ${spec.bins} bins of scores. "none": nothing is left to say under this noise.`;
  return `${formatColumns(head)}\n\n${formatColumns(lines)}\n\n${note}`;
}
