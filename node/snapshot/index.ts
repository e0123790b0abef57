/** Joining an old chain by a snapshot, and serving those who do (docs/snapshot.md). */
export { JoinError, type JoinErrorCode } from './error.js';
export { type Joined, type JoinOptions, joinChain } from './join.js';
export { type SnapshotServerOptions, serveSnapshots } from './serve.js';
