/** A Q-network that gives providers their classes, from leak reports. Pure. */
export * from './agent.js';
export * from './environment.js';
export * from './network.js';
export * from './policies.js';
export * from './replayBuffer.js';
