/** What a process of reads is told when it starts. */
export interface ReadJob {
  /** RPC of the node, http://HOST:PORT. */
  readonly url: string;
  /** JSON-RPC requests, sent in turn. */
  readonly requests: readonly string[];
  /** Kept-alive connections; each carries one request at a time. */
  readonly connections: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Requests a second by schedule (open loop); null: each connection sends as soon as it has its answer. */
  readonly rate: number | null;
}

export type FromReads =
  | { readonly kind: 'done'; readonly report: ReadReport }
  | { readonly kind: 'failed'; readonly reason: string };

/** Of what was sent (open loop: scheduled) after the warm-up. */
export interface ReadReport {
  /** Answers with a result. */
  readonly reads: number;
  /** Answers that were errors. */
  readonly refused: number;
  readonly lastRefusal: string | null;
  readonly seconds: number;
  /** Open loop: from the scheduled moment to the answer, so that a wait for a connection counts. Else from sending. */
  readonly latenciesMs: readonly number[];
  /** CPU seconds of this process in the measured time. */
  readonly cpuSeconds: number;
}
