/** One measured figure beside its goal. `met` is null where there is no goal. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly goal: string | null;
  readonly met: boolean | null;
  /** The peer, paper or limit that was measured in the same run, or what the figure is to be read against. */
  readonly reference: string | null;
}

/** A figure without a goal. */
export function plain(name: string, value: number, unit: string, reference: string | null = null): Row {
  return { name, value, unit, goal: null, met: null, reference };
}

/**
 * A figure beside a goal that bounds it. A figure that is not a number meets none, nor does one whose conditions
 * (`alsoNeeds`) failed.
 */
export function within(
  name: string,
  value: number,
  unit: string,
  relation: '<' | '<=' | '>=',
  bound: number,
  {
    reference = null,
    alsoNeeds = true,
  }: { readonly reference?: string | null; readonly alsoNeeds?: boolean } = {},
): Row {
  const met = relation === '<' ? value < bound : relation === '<=' ? value <= bound : value >= bound;
  return { name, value, unit, goal: `${relation} ${bound}`, met: met && alsoNeeds, reference };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** The value below which a share `q` of them lies; NaN without any. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
