/** The chain on disk. Owns the database library; knows nothing of contracts, agreement or the network. */
export { backupPlace, databaseBytes } from './backup.js';
export { type BaseFolder, beginBaseFolder, heightIn, settleJoin } from './baseFolder.js';
export type { Binding } from './binding.js';
export { baseHeight, belowBase, type CertifiedHeader, certifiedAt } from './certified.js';
export type { Commit, StoredBlock } from './commit.js';
export type { Head } from './entries.js';
export { StoreError, type StoreErrorCode } from './error.js';
export type { Payload } from './holdings.js';
export type { Abstention, StoredRecord } from './journal.js';
export { clearBuildPlace, finishSwap, openSalvage, type Salvage, swapFolders } from './salvage.js';
export type { Base } from './snapshotBase.js';
export { openStore, type Store, type StoreOptions } from './store.js';
