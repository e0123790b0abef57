import type { CertifyJob } from './certify.js';

/** One word that two threads share: whoever sets it first does the job. So a thread that is busy loses none to wait for. */
export type Claim = Int32Array<SharedArrayBuffer>;

/** What a thread that checks certificates is told. */
export interface CertifyOrder {
  readonly id: number;
  readonly job: CertifyJob;
  readonly claim: Claim;
}

export function createClaim(): Claim {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** True for the first who asks, of all threads. */
export function isFirst(claim: Claim): boolean {
  return Atomics.exchange(claim, 0, 1) === 0;
}
