export * from './apply.js';
export * from './state.js';
