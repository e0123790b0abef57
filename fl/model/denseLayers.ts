/** One of several dense layers: its kernel [inputs][units] starts at `offset`, its bias [units] behind it. */
export interface DensePart {
  readonly inputs: number;
  readonly units: number;
  readonly offset: number;
}

type Weights = Float32Array | Float64Array;

/**
 * Layers of these widths one on the other, for training small networks in float64 without a tensor library and without
 * new memory a row. Weights lie as a model's do (`ModelSpec`).
 */
export function denseParts(inputs: number, widths: readonly number[]): readonly DensePart[] {
  let offset = 0;
  return widths.map((units, at) => {
    const part = { inputs: widths[at - 1] ?? inputs, units, offset };
    offset += (part.inputs + 1) * units;
    return part;
  });
}

/** `to` [units] ← kernelᵀ · `from` [inputs] + bias, through a relu where asked. Cost: some ns a weight. */
export function denseForward(
  { inputs, units, offset }: DensePart,
  weights: Weights,
  from: Float64Array,
  to: Float64Array,
  relu: boolean,
): void {
  const bias = offset + inputs * units;
  for (let unit = 0; unit < units; unit++) to[unit] = weights[bias + unit]!;
  for (let input = 0; input < inputs; input++) {
    const value = from[input]!;
    if (value === 0) continue;
    const start = offset + input * units;
    for (let unit = 0; unit < units; unit++) to[unit]! += value * weights[start + unit]!;
  }
  if (relu) for (let unit = 0; unit < units; unit++) to[unit] = Math.max(0, to[unit]!);
}

/** `to` [inputs] ← what the layer's inputs, outputs of a relu, are wrong by, from what its outputs are. */
export function denseBackward(
  { inputs, units, offset }: DensePart,
  weights: Weights,
  errors: Float64Array,
  from: Float64Array,
  to: Float64Array,
): void {
  for (let input = 0; input < inputs; input++) {
    let sum = 0;
    const start = offset + input * units;
    if (from[input]! > 0)
      for (let unit = 0; unit < units; unit++) sum += weights[start + unit]! * errors[unit]!;
    to[input] = sum;
  }
}

/** Adds the layer's gradient of one row, times `factor`, to `sum` [weights]. */
export function addDenseGradient(
  { inputs, units, offset }: DensePart,
  from: Float64Array,
  errors: Float64Array,
  factor: number,
  sum: Float64Array,
): void {
  for (let input = 0; input < inputs; input++) {
    const value = factor * from[input]!;
    if (value === 0) continue;
    const start = offset + input * units;
    for (let unit = 0; unit < units; unit++) sum[start + unit]! += value * errors[unit]!;
  }
  const bias = offset + inputs * units;
  for (let unit = 0; unit < units; unit++) sum[bias + unit]! += factor * errors[unit]!;
}
