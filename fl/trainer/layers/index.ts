import type { Layer, LayerKind, LayerOf } from '../../index.js';
import { conv2d } from './conv2d.js';
import { dense } from './dense.js';
import { dropout } from './dropout.js';
import { groupNorm } from './groupNorm.js';
import { pool2d } from './pool2d.js';
import type { TrainLayer } from './rule.js';
import { reread } from './shapes.js';

export { allSlopes, type Forward, type GradientPart, NO_PLACE, type Slopes } from './rule.js';

const trainLayers: { readonly [K in LayerKind]: TrainLayer<LayerOf<K>> } = {
  dense,
  conv2d,
  pool2d,
  reshape: reread,
  flatten: reread,
  dropout,
  groupNorm,
};

export function trainerOf<L extends Layer>(layer: L): TrainLayer<L> {
  return trainLayers[layer.kind] as unknown as TrainLayer<L>;
}
