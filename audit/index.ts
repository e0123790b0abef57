/** Replays a chain from bytes and a genesis to a finding. Needs no network and trusts nothing but the genesis. */

export * from './marks.js';
export { neededRefs } from './payloads.js';
export * from './proofs.js';
export * from './rangeBase.js';
export * from './readable.js';
export * from './replay.js';
export * from './report.js';
export type { ReplayEntry, ReplayState } from './step.js';
