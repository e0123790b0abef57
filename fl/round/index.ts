/** The end of a training round, from payloads to verdicts and the next model. */
export * from './closeRound.js';
