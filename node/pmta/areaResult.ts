import { keepChance, levelsWithin } from '../../pmta/index.js';
import { type AreaReports, levelsByReports } from './allocation.js';
import type { AreaResult } from './resultFile.js';
import type { AreaRun, PipelineOptions } from './steps.js';

/** What is kept of an area that went through all steps. */
export function areaResult(
  { area, classified, levels: own, noise, allocation }: AreaRun,
  { clusters, shares, privacy }: PipelineOptions,
): AreaResult {
  const found = classified!;
  const isSynthetic = privacy?.kind === 'synthetic';
  return {
    area: area.name,
    clusters: Array.from({ length: clusters }, (_, cluster) => countOf(found.clusters, cluster)),
    levels: sizesOf(own!, shares),
    betweenness: found.influence.betweenness,
    deviation: noise?.deviation ?? null,
    synthetic: isSynthetic
      ? { records: found.levels.length, keep: keepChance(shares.length, privacy.assignMicro) }
      : null,
    allocation,
    providers: area.providers.map((name, index) => ({
      name,
      cluster: isSynthetic ? null : found.clusters[index]!,
      influence: isSynthetic ? null : found.influence.values[index]!,
      level: own![index]!,
    })),
  };
}

/**
 * The same area by other reports, or by none: clusters and influence stay as they were released, so nothing is drawn
 * and nothing charged. Not for levels by lot, whose providers have neither.
 */
export function relevelled(
  kept: AreaResult,
  reports: AreaReports | null,
  options: PipelineOptions,
): AreaResult {
  const { shares } = options;
  const clusters = kept.providers.map(({ cluster }) => cluster!);
  const influence = kept.providers.map((provider) => provider.influence!);
  const { levels, allocation } =
    reports === null
      ? { levels: levelsWithin(clusters, influence, shares), allocation: null }
      : levelsByReports({ name: kept.area, clusters }, reports, options);
  return {
    ...kept,
    levels: sizesOf(levels, shares),
    allocation,
    providers: kept.providers.map((provider, index) => ({ ...provider, level: levels[index]! })),
  };
}

function sizesOf(levels: ArrayLike<number>, shares: readonly number[]): number[] {
  return shares.map((_, index) => countOf(levels, index + 1));
}

function countOf(values: ArrayLike<number>, wanted: number): number {
  return Array.from(values).filter((value) => value === wanted).length;
}
