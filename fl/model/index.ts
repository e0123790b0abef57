/** The models that devices may train: whitelisted layers, their weights as bytes, a forward pass for display. */
export * from './adam.js';
export * from './denseLayers.js';
export * from './evaluate.js';
export * from './format/safetensors.js';
export * from './format/tfjs.js';
export * from './layers/index.js';
export * from './spec.js';
export * from './weights.js';
