import { CLASSES_MAX } from '../data/schema.js';
import { DIMENSION_MAX } from '../grid/index.js';
import { type Layer, layerRules, ruleOf, type Shape, sizeOf } from './layers/index.js';

/**
 * The model of a task: data, never code, since a crafted model can steal what it is trained on. The last layer is
 * dense and linear: one unit is the logit of class 1 of two, K units are the logits of K classes.
 */
export interface ModelSpec {
  readonly inputs: number;
  readonly layers: readonly Layer[];
}

/** One tensor of the flat weight vector, row-major. */
export interface TensorShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A layer with where it stands: what it takes and gives, and its part of the flat weight vector. */
export interface PlacedLayer {
  readonly layer: Layer;
  readonly input: Shape;
  readonly output: Shape;
  readonly offset: number;
  readonly parameters: number;
}

export const INPUTS_MAX = 65_536;
export const LAYERS_MAX = 16;
/** Values that one layer may give for one record: bounds what training holds. */
export const VALUES_MAX = 2 ** 20;
/** As many numbers as an update may have; its float32 weights fit a payload. */
export const PARAMETERS_MAX = DIMENSION_MAX;

/** Null if the model is one that devices may train, else the reason why not, for people. */
export function checkModel(spec: ModelSpec): string | null {
  if (!Number.isSafeInteger(spec.inputs) || spec.inputs < 1 || spec.inputs > INPUTS_MAX)
    return `inputs must be a whole number from 1 to ${INPUTS_MAX}`;
  if (!Array.isArray(spec.layers) || spec.layers.length < 1 || spec.layers.length > LAYERS_MAX)
    return `a model has 1 to ${LAYERS_MAX} layers`;
  let input: Shape = [spec.inputs];
  let parameters = 0;
  for (const [index, layer] of spec.layers.entries()) {
    const problem = checkLayer(layer, input);
    if (problem !== null) return `layer ${index}: ${problem}`;
    const rule = ruleOf(layer);
    parameters += rule.tensors(layer, input).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    input = rule.output(layer, input);
  }
  const last = spec.layers.at(-1)!;
  if (last.kind !== 'dense' || last.activation !== 'linear' || last.units > CLASSES_MAX)
    return (
      'the last layer must be dense and linear, with 1 unit (the logit of class 1 of two) or one for each of at ' +
      `most ${CLASSES_MAX} classes`
    );
  return parameters > PARAMETERS_MAX
    ? `the model has ${parameters} parameters, more than ${PARAMETERS_MAX}`
    : null;
}

function checkLayer(layer: Layer, input: Shape): string | null {
  if (!Object.hasOwn(layerRules, layer.kind))
    return `unknown kind ${String(layer.kind)} (known: ${Object.keys(layerRules).join(', ')})`;
  const problem = ruleOf(layer).check(layer, input);
  if (problem !== null) return problem;
  const values = sizeOf(ruleOf(layer).output(layer, input));
  return values > VALUES_MAX ? `it gives ${values} values a record, more than ${VALUES_MAX}` : null;
}

/** The layers with their shapes and places. The model must have passed checkModel. */
export function placedLayers(spec: ModelSpec): readonly PlacedLayer[] {
  let input: Shape = [spec.inputs];
  let offset = 0;
  return spec.layers.map((layer) => {
    const rule = ruleOf(layer);
    const parameters = rule.tensors(layer, input).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    const placed = { layer, input, output: rule.output(layer, input), offset, parameters };
    input = placed.output;
    offset += parameters;
    return placed;
  });
}

/** Classes that the model tells apart: 2 for a single logit. */
export function classCount({ layers }: ModelSpec): number {
  const last = layers.at(-1)!;
  return last.kind === 'dense' && last.units > 1 ? last.units : 2;
}

/** Length d of the flat weight vector. */
export function parameterCount(spec: ModelSpec): number {
  return placedLayers(spec).reduce((sum, { parameters }) => sum + parameters, 0);
}

/** Order of the flat vector: layer by layer, each tensor row-major (a kernel [inputs, units], then the bias [units]). */
export function tensorShapes(spec: ModelSpec): TensorShape[] {
  return placedLayers(spec).flatMap(({ layer, input }, index) =>
    ruleOf(layer)
      .tensors(layer, input)
      .map(({ name, shape }) => ({ name: `${layer.kind}${index}/${name}`, shape })),
  );
}
