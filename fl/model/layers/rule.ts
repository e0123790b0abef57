/** What a layer takes or gives for one record: [n] numbers, or [height, width, channels] of an image, row-major. */
export type Shape = readonly number[];

/** What a layer applies to its sums. */
export type Activation = 'linear' | 'relu' | 'tanh' | 'sigmoid';

/** One tensor of a layer's weights, row-major, and how it begins: uniform within ±`within`, or all one value. */
export interface LayerTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initial: { readonly within: number } | number;
}

/**
 * A kind of layer, as far as everybody has to know it: one file here, its training in fl/trainer/layers. `L` is what
 * the task says of it. Pure; all but `forward` is whole numbers, the same on every machine.
 */
export interface LayerRule<L> {
  /** Why the layer can't follow on values of this shape, for people; null: it can. */
  check(layer: L, input: Shape): string | null;
  output(layer: L, input: Shape): Shape;
  /** In the order in which they stand in the flat weight vector. */
  tensors(layer: L, input: Shape): readonly LayerTensor[];
  /** One record through the layer, in float64, for display and as the trainer's reference. `weights`: the layer's own. */
  forward(layer: L, input: Shape, weights: Float32Array | Float64Array, x: Float64Array): Float64Array;
}

const ACTIVATIONS: readonly string[] = ['linear', 'relu', 'tanh', 'sigmoid'] satisfies Activation[];

/** Units, filters, and sides of images: at most so many. */
export const UNITS_MAX = 65_536;

export function sizeOf(shape: Shape): number {
  return shape.reduce((product, side) => product * side, 1);
}

export function isCount(value: unknown, max: number): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= max;
}

export function checkActivation(activation: unknown): string | null {
  if (ACTIVATIONS.includes(activation as string)) return null;
  return `unknown activation ${String(activation)} (known: ${ACTIVATIONS.join(', ')})`;
}

export function mustBeImage(shape: Shape): string | null {
  return shape.length === 3
    ? null
    : 'it takes an image; put a reshape layer {height, width, channels} before it';
}

export function activate(activation: Activation, value: number): number {
  switch (activation) {
    case 'linear':
      return value;
    case 'relu':
      return Math.max(0, value);
    case 'tanh':
      return Math.tanh(value);
    case 'sigmoid':
      return 1 / (1 + Math.exp(-value));
    default:
      return activation satisfies never;
  }
}

/** Half-width of the uniform start that keeps variances (Glorot and Bengio 2010, equation 16). */
export function glorot(fanIn: number, fanOut: number): { readonly within: number } {
  return { within: Math.sqrt(6 / (fanIn + fanOut)) };
}
