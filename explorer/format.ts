/** Pure: numbers and names as people read them. */

export const short = (hex: string): string => `${hex.slice(0, 8)}…`;

export const whole = (value: number): string => value.toLocaleString('en');

/** 1_500_000 → "1.5" */
export const micro = (value: number): string => String(Math.round(value / 1e4) / 100);

export function clock(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

export function bytes(count: number): string {
  if (count < 1_024) return `${count} B`;
  return count < 1_048_576 ? `${(count / 1_024).toFixed(1)} KiB` : `${(count / 1_048_576).toFixed(1)} MiB`;
}

export const reasons: Readonly<Record<string, string>> = {
  rank: 'farther from the others than the rule keeps',
  opposes: 'opposes the others over the rounds so far',
  distant: 'far from the median over the last rounds',
  norm: 'longer than any honest update',
};
