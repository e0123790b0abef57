export type { Step, UnsignedVote, Vote } from './vote.js';
