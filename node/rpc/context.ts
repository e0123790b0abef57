import type { Transaction } from '../../chain/index.js';
import type { Tip } from '../../consensus/index.js';
import type { EnrolmentTerms } from '../../contracts/index.js';
import type { SubmitFault } from '../admission.js';
import type { Health } from '../health.js';
import type { PeerClock } from '../peerClocks.js';
import type { Store } from '../store/index.js';

export type { SubmitFault };

/** Each fault is an error of its own (errors.ts). */
export type Submitted =
  | { readonly ok: true; readonly hash: Uint8Array }
  | { readonly ok: false; readonly code: SubmitFault; readonly detail: string };

/** All that the RPC knows of the node. Reading is synchronous: one method sees one state. */
export interface RpcContext {
  readonly chainId: Uint8Array;
  /** The genesis file's text. */
  readonly genesisText: string;
  readonly nodeName: string;
  /** The validator's signing key. */
  readonly publicKey: Uint8Array;
  head(): Tip;
  readonly store: Pick<
    Store,
    | 'block'
    | 'blockBytes'
    | 'heightOf'
    | 'transaction'
    | 'payload'
    | 'hasPayload'
    | 'versions'
    | 'backup'
    | 'ring'
    | 'base'
  >;
  /** Resolves when the transaction waits for a block, payloads stored; does not wait for the block. */
  submit(transaction: Transaction, payloads: readonly Uint8Array[]): Promise<Submitted>;
  /** Does the transaction wait for a block here? */
  pending(hash: Uint8Array): boolean;
  /** The nonce after an account's waiting transactions. Left out: those are not counted. */
  nextNonce?(publicKey: Uint8Array): number;
  /** Resolves when the head is above `since.height`, or when the time has passed. Never rejects. */
  waitForChange(since: { readonly height: number }, timeoutMs: number): Promise<void>;
  peers(): readonly { readonly publicKey: string }[];
  agreement(): { readonly height: number; readonly period: number; readonly active: boolean };
  /** Whether the node can do its work now. */
  health(): Health;
  /** What is known of a peer's clock. Left out: nothing. */
  peerClock?(publicKey: string): PeerClock | null;
  /** Finality percentiles and the like, by name; units are in the names. */
  metrics(): Readonly<Record<string, number>>;
  /** The validator's signature under the terms. Whether it should sign is checked by the method. */
  approve(terms: EnrolmentTerms): Uint8Array;
  /** No link with these validators (hex keys) until the next call. Left out: this node has no links. */
  cut?(keys: readonly string[]): void;
}
