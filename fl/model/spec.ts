import { DIMENSION_MAX } from '../grid/index.js';

/** What a layer applies to its sums. */
export type Activation = 'linear' | 'relu' | 'tanh' | 'sigmoid';

/** A fully connected layer: `units` outputs, each activation(kernel column · input + bias). */
export interface DenseLayer {
  readonly kind: 'dense';
  readonly units: number;
  readonly activation: Activation;
}

/**
 * The model of a task: data, never code, since a crafted model can steal what it is trained on (DESIGN.md
 * section 8). Two classes: the last layer has one unit and is linear, its output is the logit of class 1.
 */
export interface ModelSpec {
  readonly inputs: number;
  readonly layers: readonly DenseLayer[];
}

/** One tensor of the flat weight vector, row-major. */
export interface TensorShape {
  readonly name: string;
  readonly shape: readonly number[];
}

export const INPUTS_MAX = 65_536;
export const UNITS_MAX = 65_536;
export const LAYERS_MAX = 16;
/** As many numbers as an update may have; its float32 weights fit a payload. */
export const PARAMETERS_MAX = DIMENSION_MAX;

const ACTIVATIONS: readonly string[] = ['linear', 'relu', 'tanh', 'sigmoid'] satisfies Activation[];

/** Null if the model is one that devices may train, else the reason why not, for people. */
export function checkModel(spec: ModelSpec): string | null {
  if (!isCount(spec.inputs, INPUTS_MAX)) return `inputs must be a whole number from 1 to ${INPUTS_MAX}`;
  if (!Array.isArray(spec.layers) || spec.layers.length < 1 || spec.layers.length > LAYERS_MAX)
    return `a model has 1 to ${LAYERS_MAX} layers`;
  for (const [index, layer] of spec.layers.entries()) {
    const where = `layer ${index}`;
    if (layer.kind !== 'dense') return `${where}: unknown kind ${String(layer.kind)} (known: dense)`;
    if (!isCount(layer.units, UNITS_MAX))
      return `${where}: units must be a whole number from 1 to ${UNITS_MAX}`;
    if (!ACTIVATIONS.includes(layer.activation))
      return `${where}: unknown activation ${String(layer.activation)} (known: ${ACTIVATIONS.join(', ')})`;
  }
  const last = spec.layers.at(-1)!;
  if (last.units !== 1 || last.activation !== 'linear')
    return 'the last layer must have 1 unit and be linear: its output is the logit of class 1';
  const parameters = parameterCount(spec);
  if (parameters > PARAMETERS_MAX)
    return `the model has ${parameters} parameters, more than ${PARAMETERS_MAX}`;
  return null;
}

/** Length d of the flat weight vector. */
export function parameterCount(spec: ModelSpec): number {
  return widths(spec).reduce((sum, [inputs, units]) => sum + inputs * units + units, 0);
}

/** Order of the flat vector: layer by layer, the kernel [inputs, units] row-major, then the bias [units]. */
export function tensorShapes(spec: ModelSpec): TensorShape[] {
  return widths(spec).flatMap(([inputs, units], index) => [
    { name: `dense${index}/kernel`, shape: [inputs, units] },
    { name: `dense${index}/bias`, shape: [units] },
  ]);
}

/** [inputs, units] of each layer, in order. */
export function widths(spec: ModelSpec): (readonly [number, number])[] {
  return spec.layers.map((layer, index) => {
    const inputs = index === 0 ? spec.inputs : spec.layers[index - 1]!.units;
    return [inputs, layer.units] as const;
  });
}

function isCount(value: unknown, max: number): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= max;
}
