import type { ProofClaim, Replay, ReplayEntry } from '../../audit/index.js';
import { ExportError } from './error.js';
import type { ProofPool } from './proofPool.js';

/** Heights that a worker checks at a time, and the most that may wait for an answer; so much of their bytes as well. */
const BATCH_CLAIMS = 16;
const BATCH_BYTES = 4 * 1024 * 1024;
const PENDING_BYTES = 128 * 1024 * 1024;
const BATCHES_A_THREAD = 3;

/** Replays entry by entry in this thread alone, until the end or the first thing that is wrong. */
export async function replayAlone(
  replay: Replay,
  entries: AsyncIterable<ReplayEntry>,
  onHeight: () => void,
): Promise<void> {
  for await (const entry of entries) {
    if (replay.take(entry) !== null) return;
    onHeight();
  }
}

interface Batch {
  readonly answers: Promise<readonly boolean[]>;
  readonly bytes: number;
}

/**
 * The same with the proofs checked in a pool at the same time: execution runs ahead, by a bounded number of heights
 * and bytes, and a height counts only when its proofs have been found to hold, in order.
 *
 * Throws what the entries throw, after everything before it was settled; ExportError "worker-failed".
 */
export async function replayInParallel(
  replay: Replay,
  entries: AsyncIterable<ReplayEntry>,
  pool: ProofPool,
  onHeight: () => void,
): Promise<void> {
  const underWay: Batch[] = [];
  let claims: ProofClaim[] = [];
  let bytes = 0;
  let broken = false;
  const send = (): void => {
    if (claims.length === 0) return;
    const answers = pool.check(claims);
    answers.catch(() => {}); // thrown where it is awaited
    underWay.push({ answers, bytes });
    claims = [];
    bytes = 0;
  };
  const settleOldest = async (): Promise<void> => {
    for (const holds of await underWay.shift()!.answers) {
      if (replay.settle(holds) !== null) {
        broken = true;
        return;
      }
      onHeight();
    }
  };
  const isFull = (): boolean =>
    underWay.length >= BATCHES_A_THREAD * pool.threads ||
    underWay.reduce((sum, batch) => sum + batch.bytes, 0) > PENDING_BYTES;
  const settleAll = async (): Promise<void> => {
    send();
    while (underWay.length > 0 && !broken) await settleOldest();
  };
  try {
    for await (const entry of entries) {
      const claim = replay.defer(entry);
      if (claim === null) break;
      claims.push(claim);
      bytes += sizeOf(entry);
      if (claims.length >= BATCH_CLAIMS || bytes > BATCH_BYTES) send();
      while (isFull() && !broken) await settleOldest();
      if (broken) return;
    }
  } catch (error) {
    if (error instanceof ExportError && error.code !== 'worker-failed') await settleAll();
    throw error;
  }
  await settleAll();
}

function sizeOf({ block, certificate, payloads }: ReplayEntry): number {
  return payloads.reduce((sum, payload) => sum + (payload?.length ?? 0), block.length + certificate.length);
}
