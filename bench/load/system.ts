import type { DialectName } from './dialect.js';

/** How far a chain has come, as a client could know. */
export interface Progress {
  readonly transactions: number;
  readonly height: number;
  readonly emptyBlocks: number;
}

/** A network of validators under load, whichever software runs it. */
export interface System {
  readonly name: string;
  readonly dialect: DialectName;
  readonly chainId: string;
  /** RPC of every node. */
  readonly urls: readonly string[];
  /** When the processes were started, in ms of `performance.now()`: where their profiles begin. */
  readonly startedAt: number;
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  progress(): Promise<Progress>;
  /** From acceptance by RPC to durable commit as the nodes measure it, in ms; the slowest node's. Null: they don't. */
  finality(): Promise<{ readonly p50: number; readonly p95: number } | null>;
  close(): Promise<void>;
}
