/** Mean and standard deviation (of the sample, n - 1) over splits. */
export function meanAndDeviation(values: readonly number[]): {
  readonly mean: number;
  readonly deviation: number;
} {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)) };
}

/** "76.1 ± 2.4". */
export function plusMinus(values: readonly number[], digits = 1): string {
  const { mean, deviation } = meanAndDeviation(values);
  return `${mean.toFixed(digits)} ± ${deviation.toFixed(digits)}`;
}
