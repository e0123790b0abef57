import { planCalm } from './plan.js';
import { simulate } from './world.js';

export interface HeightTime {
  readonly members: number;
  readonly linkMs: number;
  readonly heights: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** In one-way link delays. */
  readonly p50Delays: number;
  readonly p95Delays: number;
}

/**
 * How long a height takes from one block to the next, at the last of all members, over links of `linkMs` one way.
 *
 * All honest, nothing lost, always something to agree on, blocks without payloads. Judging a block takes 0 to 10 ms, a commit 0 to 5 ms.
 * Virtual time: the machine's own work costs nothing here.
 */
export function heightTime(options: {
  readonly members: number;
  readonly linkMs: number;
  readonly heights?: number;
  readonly seed?: number;
}): HeightTime {
  const { members, linkMs, heights = 100, seed = 0 } = options;
  const { agreedAt, finding } = simulate({ seed, members, plan: planCalm(members, heights, linkMs) });
  if (finding) throw new Error(`bug: ${finding.kind} on a calm network: ${finding.detail}`);
  const times = agreedAt.map((at, i) => at - (agreedAt[i - 1] ?? 0)).slice(1);
  const sorted = times.sort((a, b) => a - b);
  const quantile = (perMille: number) => sorted[Math.floor(((sorted.length - 1) * perMille) / 1_000)]!;
  const [p50Ms, p95Ms] = [quantile(500), quantile(950)];
  return {
    members,
    linkMs,
    heights,
    p50Ms,
    p95Ms,
    p50Delays: p50Ms / linkMs,
    p95Delays: p95Ms / linkMs,
  };
}
