/** Trained models outside the chain: what a chain says of one, its card, its files. */
export * from './card.js';
export * from './facts.js';
export * from './fromExport.js';
export * from './fromNode.js';
export * from './write.js';
