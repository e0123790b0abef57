import { epsilonSpent, type PmtaResult } from '../../pmta/index.js';
import { formatColumns } from '../io.js';
import type { LevelsWritten } from './pmtaLevels.js';

/** For programs. Pure. */
export function toldOf(result: PmtaResult, out: string, written: LevelsWritten | null) {
  const { spent, areas } = result;
  const budget =
    spent === null
      ? null
      : { epsilon: epsilonSpent(spent), delta: spent.deltaPico / 1e12, releases: spent.releases };
  const told = areas.map(({ providers, ...area }) => ({ ...area, providers: providers.length }));
  return { out, areas: told, budget, written };
}

/** For people. Pure. */
export function formatResult(result: PmtaResult, out: string, written: LevelsWritten | null): string {
  const { areas } = result;
  const rows = areas.map(({ area, providers, clusters, levels, deviation, synthetic, betweenness }) => [
    `  ${area}`,
    String(providers.length),
    clusters.join(' '),
    levels.join(' '),
    synthetic !== null ? 'synthetic' : deviation === null ? 'none' : deviation.toFixed(2),
    betweenness.error === 0 ? 'exact' : `±${betweenness.error.toFixed(3)}`,
  ]);
  const head = ['  area', 'providers', 'of each cluster', 'of each level', 'noise', 'betweenness'];
  const count = areas.reduce((sum, { providers }) => sum + providers.length, 0);
  return [
    formatColumns([head, ...rows]),
    '',
    ...formatAllocations(result),
    ...remarks(result),
    budgetOf(result),
    `Levels of ${count} providers are in ${out}.`,
    written === null
      ? 'Nothing was sent: with --network or --node they go to the chain.'
      : `On chain: ${written.before} were there, ${written.set} set in ${written.transactions.length} transactions, ${written.later} wait for a later era.`,
  ].join('\n');
}

function budgetOf({ spent }: PmtaResult): string {
  if (spent === null) return 'Public attributes: no budget is spent.';
  const { releases, deltaPico } = spent;
  const made = `${releases} release${releases === 1 ? '' : 's'}`;
  return `Spent so far: ε = ${epsilonSpent(spent)} at δ = ${deltaPico / 1e12}, each provider (${made}).`;
}

/** What the columns mean where they may be taken for more than they are. */
function remarks({ areas }: PmtaResult): readonly string[] {
  const deviation = Math.max(...areas.map((area) => area.deviation ?? 0));
  const keep = Math.min(...areas.map(({ synthetic }) => synthetic?.keep ?? 1));
  const said: string[] = [];
  if (deviation > 0)
    said.push('Noise is the standard deviation on each number of a row, in the scales of the schema.');
  // A scale is what the schema says that providers differ by.
  if (deviation > 1 && areas.some(({ allocation }) => allocation === null))
    said.push('It is more than providers differ by: these levels are about as good as drawn by lot.');
  if (areas.some(({ synthetic }) => synthetic !== null))
    said.push(
      'Clusters and shares are those of made records. A provider has the level of the record nearest to it, by a lot' +
        ` that keeps it with chance ${keep.toFixed(2)}: so many of each level as lie near such records.`,
    );
  return said;
}

/** Where levels come from reports: what those reported would assemble. */
function formatAllocations({ areas, qNetwork }: PmtaResult): readonly string[] {
  const rows = areas.flatMap(({ area, allocation }) => {
    if (allocation === null) return [];
    const { pieces, windows, reported, share } = allocation;
    const percent = (part: number) => `${(100 * part).toFixed(1)} %`;
    return [
      [
        `  ${area}`,
        String(pieces),
        String(windows),
        String(reported),
        percent(share.pool),
        percent(share.gated),
      ],
    ];
  });
  if (rows.length === 0) return [];
  const head = ['  area', 'pieces', 'windows', 'reported', 'of one pool', 'by level'];
  const by = qNetwork === null ? '' : ` by the Q-network ${qNetwork}`;
  const said = `Levels come from leak reports${by}: those reported most have level 1. What those reported assemble:`;
  return [said, formatColumns([head, ...rows]), ''];
}
