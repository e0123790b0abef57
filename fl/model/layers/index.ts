import { type Conv2dLayer, conv2d } from './conv2d.js';
import { type DenseLayer, dense } from './dense.js';
import { type DropoutLayer, dropout } from './dropout.js';
import { type GroupNormLayer, groupNorm } from './groupNorm.js';
import { type Pool2dLayer, pool2d } from './pool2d.js';
import type { LayerRule } from './rule.js';
import { type FlattenLayer, flatten, type ReshapeLayer, reshape } from './shapes.js';

export { type Conv2dLayer, parametersOf, patchesOf, patchSize } from './conv2d.js';
export type { DenseLayer } from './dense.js';
export type { DropoutLayer } from './dropout.js';
export { type GroupNormLayer, groupOf, normalise } from './groupNorm.js';
export { eachOfSquares, type Pool2dLayer } from './pool2d.js';
export { type Activation, type LayerRule, type LayerTensor, type Shape, sizeOf } from './rule.js';
export type { FlattenLayer, ReshapeLayer } from './shapes.js';

export type Layer =
  | DenseLayer
  | Conv2dLayer
  | Pool2dLayer
  | ReshapeLayer
  | FlattenLayer
  | DropoutLayer
  | GroupNormLayer;
export type LayerKind = Layer['kind'];
export type LayerOf<K extends LayerKind> = Extract<Layer, { readonly kind: K }>;

/** Every kind that a task may name: data, never code, since a crafted model can steal what it is trained on. */
export const layerRules: { readonly [K in LayerKind]: LayerRule<LayerOf<K>> } = {
  dense,
  conv2d,
  pool2d,
  reshape,
  flatten,
  dropout,
  groupNorm,
};

export function ruleOf<L extends Layer>(layer: L): LayerRule<L> {
  return layerRules[layer.kind] as unknown as LayerRule<L>;
}
