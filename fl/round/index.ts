/** The end of a training round, from payloads to verdicts and the next model. */
export * from './charge.js';
export * from './closeRound.js';
