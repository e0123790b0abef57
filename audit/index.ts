/** Replays a chain from bytes and a genesis to a finding. Needs no network and trusts nothing but the genesis. */
export * from './replay.js';
export * from './report.js';
