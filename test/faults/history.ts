/**
 * What clients of a network saw, as data: the checker knows nothing else.
 *
 * Times are milliseconds of one monotonic clock, that of the process in which all clients run. A call has a start
 * and an end; what it tells was true at some moment between them. Nodes are numbered from 0.
 */
export type Seen = Submitted | Looked | Head;

interface Span {
  readonly start: number;
  readonly end: number;
}

/** A client handed in a transaction, its first time or again: the same bytes have the same `tx`. */
export interface Submitted extends Span {
  readonly kind: 'submitted';
  readonly client: number;
  readonly node: number;
  readonly tx: string;
  /** `accepted` includes that the node had it already; `unsure`: no answer came; `refused`: an error of the node. */
  readonly outcome: 'accepted' | 'refused' | 'unsure';
}

/** Where a transaction stands in the chain: `index` counts from 0 in the block; `ok`: the contract took it. */
export interface Place {
  readonly height: number;
  readonly index: number;
  readonly ok: boolean;
}

/** A client asked a node what became of a transaction. */
export interface Looked extends Span {
  readonly kind: 'looked';
  readonly client: number;
  readonly node: number;
  readonly tx: string;
  /** Null: pending, or unknown to this node. */
  readonly place: Place | null;
}

/** Somebody asked a node for its head. */
export interface Head extends Span {
  readonly kind: 'head';
  readonly node: number;
  readonly height: number;
  readonly hash: string;
}

export interface ChainBlock {
  readonly height: number;
  readonly hash: string;
  readonly parent: string;
  /** Milliseconds since 1970, as its header says. */
  readonly time: number;
  readonly transactions: readonly ChainTransaction[];
}

export interface ChainTransaction {
  readonly tx: string;
  readonly from: string;
  readonly nonce: number;
}

/** The whole experiment. */
export interface History {
  readonly seen: readonly Seen[];
  /** When a node lost what it had in memory only: it was killed. */
  readonly kills: readonly { readonly node: number; readonly at: number }[];
  /** What each node holds in the end, from height 1 on; after healing, and after the clients had stopped. */
  readonly chains: readonly (readonly ChainBlock[])[];
  /** Accounts that nobody else but the clients signs for. */
  readonly senders: readonly string[];
  /** Chain id: the parent of block 1. */
  readonly genesis: string;
}
