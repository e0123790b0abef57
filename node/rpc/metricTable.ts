/** One series, or one for each value of a label. */
export interface Metric {
  /** As Prometheus has it. */
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly unit: string;
  readonly help: string;
  readonly label?: string;
}

/**
 * Every metric of GET /metrics, by the key that the node measures it under; those whose key begins with `refused` are
 * one metric with a label. A new one is a line here (docs/reference/metrics.md is made from it).
 */
export const metricTable = {
  height: gauge('consilium_height', 'heights', 'The newest block on disk.'),
  headTimeSeconds: gauge('consilium_head_time_seconds', 'seconds since 1970', 'The time in that block.'),
  period: gauge(
    'consilium_period',
    'periods',
    'Attempts at agreeing on the next block, from 0; above 2 agreement has trouble.',
  ),
  behindHeights: gauge(
    'consilium_behind_heights',
    'heights',
    'How far the others say they are ahead; NaN: too few have said it.',
  ),
  ready: gauge('consilium_ready', '0 or 1', 'What /readyz says.'),
  peers: gauge('consilium_peers', 'links', 'Validators with which there is a link.'),
  peersNeeded: gauge('consilium_peers_needed', 'links', 'Links to validators that a quorum takes.'),
  validators: gauge('consilium_validators', 'validators', 'Members of the committee of the next height.'),
  abstaining: gauge(
    'consilium_abstaining',
    '0 or 1',
    'The node may have forgotten votes of its own, and does not vote.',
  ),
  clockOffsetMs: gauge(
    'consilium_clock_offset_ms',
    'ms',
    'The median of the peers’ clocks against the own one; NaN: unknown.',
  ),
  chainAheadMs: gauge(
    'consilium_chain_ahead_ms',
    'ms',
    'How far the chain’s time is ahead of the own clock.',
  ),
  mempoolTransactions: gauge('consilium_mempool_transactions', 'transactions', 'Waiting for a block.'),
  finalityCount: counter(
    'consilium_finality_count',
    'transactions',
    'Taken by this node’s RPC and seen in a block.',
  ),
  finalityMsP50: gauge(
    'consilium_finality_ms_p50',
    'ms',
    'From taking a transaction to its block on disk, median of the newest 10,000.',
  ),
  finalityMsP95: gauge('consilium_finality_ms_p95', 'ms', 'The same, 95th percentile.'),
  prunedPayloads: counter(
    'consilium_pruned_payloads',
    'payloads',
    'Removed because their audit window is over.',
  ),
  prunedBytes: counter('consilium_pruned_bytes', 'bytes', 'Of these payloads.'),
  droppedPayloadBytes: counter(
    'consilium_dropped_payload_bytes',
    'bytes',
    'Of payloads whose transaction no block had.',
  ),
  refused: {
    ...counter('consilium_gossip_refused', 'messages', 'Gossip that was not taken, by reason.'),
    label: 'reason',
  },
  processCpuSeconds: counter(
    'process_cpu_seconds_total',
    'seconds',
    'Processor time of the process, user and system.',
  ),
  processResidentBytes: gauge('process_resident_memory_bytes', 'bytes', 'Memory of the process in RAM.'),
  processStartSeconds: gauge('process_start_time_seconds', 'seconds since 1970', 'When the process started.'),
} as const satisfies Readonly<Record<string, Metric>>;

function gauge(name: string, unit: string, help: string): Metric {
  return { name, type: 'gauge', unit, help };
}

function counter(name: string, unit: string, help: string): Metric {
  return { name, type: 'counter', unit, help };
}
