import type { DialectName } from './dialect.js';

/** What a load process is told when it starts. */
export interface LoadJob {
  readonly dialect: DialectName;
  readonly urls: readonly string[];
  /** Hex; empty where transactions name no chain. */
  readonly chainId: string;
  readonly accounts: number;
  /** Levels of the task transactions that are sent; 0: none is a task's. */
  readonly classes: number;
  readonly shape: Sustained | Light;
}

/**
 * Closed loop: at most `outstanding` transactions are on their way at any moment, sent as fast as that allows, or
 * at `rate` a second if that is less (null: no such bound).
 */
export interface Sustained {
  readonly kind: 'sustained';
  readonly outstanding: number;
  readonly rate: number | null;
  /** Transactions in one HTTP request. */
  readonly batch: number;
  /** Signed before the start; the load ends when they are used up. */
  readonly transactions: number;
  /** Single transactions whose way is timed from outside, one every so often. */
  readonly probeEveryMs: number;
}

/** One transaction at a time, the next one so long after the last was sent, through the nodes in turn. */
export interface Light {
  readonly kind: 'light';
  /** Who signs them, with nonces from 0: one that has sent nothing yet. */
  readonly account: number;
  readonly everyMs: number;
  readonly count: number;
}

export type ToLoad =
  | { readonly kind: 'go' }
  /** How many transactions are committed by now. */
  | { readonly kind: 'committed'; readonly total: number }
  /** What was timed so far is warm-up. */
  | { readonly kind: 'measure' }
  | { readonly kind: 'stop' };

export type FromLoad =
  | { readonly kind: 'ready'; readonly transactionBytes: number }
  | { readonly kind: 'done'; readonly report: LoadReport }
  | { readonly kind: 'failed'; readonly reason: string };

export interface LoadReport {
  readonly sent: number;
  /** Answers that were no yes; these transactions were sent again. */
  readonly refused: number;
  readonly lastRefusal: string | null;
  /** The prepared transactions were used up before the end: the figures are too low. */
  readonly ranDry: boolean;
  /** From sending to the node's word that it is committed, as a client sees it, in milliseconds. */
  readonly finalityMs: readonly number[];
}
