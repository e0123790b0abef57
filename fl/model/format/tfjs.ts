import type { ModelSpec } from '../spec.js';
import { tensorShapes } from '../spec.js';
import { encodeWeights } from '../weights.js';

/** The two files of a TensorFlow.js LayersModel. */
export interface LayersModel {
  /** model.json, to be written as JSON. */
  readonly model: unknown;
  /** weights.bin */
  readonly weights: Uint8Array;
}

/**
 * A model as TensorFlow.js loads it (`tf.loadLayersModel`): a Sequential of Dense layers in model.json, float32 in
 * weights.bin. The last layer gets a sigmoid, so the output is the probability of the positive class; a model of
 * ours ends with the logit.
 * Source: tfjs-layers 4.22, `LayersModel.save` and io types `ModelJSON`, `WeightsManifestConfig`.
 */
export function encodeLayersModel(
  spec: ModelSpec,
  weights: Float32Array,
  name: string,
  by: string,
): LayersModel {
  const layers = spec.layers.map(({ units, activation }, index) => ({
    class_name: 'Dense',
    config: {
      units,
      activation: index === spec.layers.length - 1 ? 'sigmoid' : activation,
      use_bias: true,
      kernel_initializer: { class_name: 'Zeros', config: {} },
      bias_initializer: { class_name: 'Zeros', config: {} },
      kernel_regularizer: null,
      bias_regularizer: null,
      activity_regularizer: null,
      kernel_constraint: null,
      bias_constraint: null,
      name: `dense${index}`,
      trainable: true,
      ...(index === 0 && { batch_input_shape: [null, spec.inputs], dtype: 'float32' }),
    },
  }));
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
  return { model, weights: encodeWeights(weights) };
}
