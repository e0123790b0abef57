import type { TrainerCode } from './error.js';
import type { DescendJob, TrainJob, TrainResult } from './job.js';

/** What the pool sends to a worker. One at a time: a worker answers before it gets the next. */
export type Request =
  | { readonly kind: 'train'; readonly job: TrainJob }
  | { readonly kind: 'descend'; readonly job: DescendJob };

/** What a worker answers. Anything it did not expect kills it, which the pool reports as a crash. */
export type Reply =
  | { readonly kind: 'trained'; readonly result: TrainResult }
  | { readonly kind: 'descended'; readonly weights: Float32Array }
  | { readonly kind: 'refused'; readonly code: TrainerCode; readonly message: string };
