import { type Layer, type Shape, sizeOf } from '../layers/index.js';
import { type ModelSpec, placedLayers, tensorShapes } from '../spec.js';
import { encodeWeights } from '../weights.js';

/** The two files of a TensorFlow.js LayersModel; or why there is none. */
export type LayersModel =
  | {
      readonly ok: true;
      /** model.json, to be written as JSON. */
      readonly model: unknown;
      /** weights.bin */
      readonly weights: Uint8Array;
    }
  | { readonly ok: false; readonly reason: string };

/**
 * A model as TensorFlow.js loads it (`tf.loadLayersModel`): a Sequential in model.json, float32 in weights.bin. The
 * last layer gets a sigmoid, or a softmax for several classes, so the output is a probability; a model of ours ends
 * with the logits.
 * Refuses a layer that TensorFlow.js has no class for: group norm.
 * Source: tfjs-layers 4.22, `LayersModel.save` and io types `ModelJSON`, `WeightsManifestConfig`.
 */
export function encodeLayersModel(
  spec: ModelSpec,
  weights: Float32Array,
  name: string,
  by: string,
): LayersModel {
  const layers = placedLayers(spec).map(({ layer, output }, index) => {
    const written = classOf(layer, output);
    if (written === null) return null;
    const first = index === 0 ? { batch_input_shape: [null, spec.inputs], dtype: 'float32' } : {};
    const last = index === spec.layers.length - 1 ? { activation: answerOf(output) } : {};
    const config = { ...written.config, ...last, name: `${layer.kind}${index}`, trainable: true, ...first };
    return { class_name: written.className, config };
  });
  const missing = layers.indexOf(null);
  if (missing >= 0) return { ok: false, reason: `TensorFlow.js has no layer ${spec.layers[missing]!.kind}` };
  const manifest = tensorShapes(spec).map((tensor) => ({ ...tensor, dtype: 'float32' }));
  const model = {
    format: 'layers-model',
    generatedBy: by,
    convertedBy: null,
    modelTopology: {
      class_name: 'Sequential',
      config: { name, layers },
      keras_version: 'tfjs-layers 4.22.0',
      backend: 'tensor_flow.js',
    },
    weightsManifest: [{ paths: ['weights.bin'], weights: manifest }],
  };
  return { ok: true, model, weights: encodeWeights(weights) };
}

function answerOf(output: Shape): string {
  return sizeOf(output) === 1 ? 'sigmoid' : 'softmax';
}

const PLAIN = {
  use_bias: true,
  kernel_initializer: { class_name: 'Zeros', config: {} },
  bias_initializer: { class_name: 'Zeros', config: {} },
  kernel_regularizer: null,
  bias_regularizer: null,
  activity_regularizer: null,
  kernel_constraint: null,
  bias_constraint: null,
};
const IMAGE = { data_format: 'channels_last' };

/** What TensorFlow.js calls the layer, and its settings; null: it has none. */
function classOf(
  layer: Layer,
  output: Shape,
): { readonly className: string; readonly config: Readonly<Record<string, unknown>> } | null {
  switch (layer.kind) {
    case 'dense':
      return { className: 'Dense', config: { units: layer.units, activation: layer.activation, ...PLAIN } };
    case 'conv2d': {
      const { filters, size, padding, activation } = layer;
      const window = { kernel_size: [size, size], strides: [1, 1], dilation_rate: [1, 1], padding };
      return { className: 'Conv2D', config: { filters, ...window, ...IMAGE, activation, ...PLAIN } };
    }
    case 'pool2d': {
      const sides = [layer.size, layer.size];
      const config = { pool_size: sides, strides: sides, padding: 'valid', ...IMAGE };
      return { className: layer.pool === 'max' ? 'MaxPooling2D' : 'AveragePooling2D', config };
    }
    case 'reshape':
      return { className: 'Reshape', config: { target_shape: output } };
    case 'flatten':
      return { className: 'Flatten', config: {} };
    case 'dropout':
      return { className: 'Dropout', config: { rate: layer.rate16 / 65_536 } };
    case 'groupNorm':
      return null;
    default:
      return layer satisfies never;
  }
}
