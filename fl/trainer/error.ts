/**
 * Why a training job failed.
 *
 * bad-job       model, lengths, labels or number of rows do not fit together; the job will never work
 * not-finite    a weight or an input is NaN or infinite; the job will never work
 * not-ready     trainStep was called before startBackend had ended
 * queue-full    the pool has queueMax jobs waiting; try later
 * timed-out     the job took longer than jobTimeoutMs; its worker was replaced
 * worker-crashed  the worker died; it was replaced unless it dies again and again
 * closed        the pool was closed before the job ended
 */
export type TrainerCode =
  | 'bad-job'
  | 'not-finite'
  | 'not-ready'
  | 'queue-full'
  | 'timed-out'
  | 'worker-crashed'
  | 'closed';

export class TrainerError extends Error {
  override readonly name = 'TrainerError';
  readonly code: TrainerCode;

  constructor(code: TrainerCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
