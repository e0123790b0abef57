import type { Strategy } from './behaviour.js';

/** Honest, but for a disk that forgets its votes and its block, and a machine that restarts often. */
export const amnesia: Strategy = () => ({ forgets: true });
