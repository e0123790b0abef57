import type { LightFault } from '../../audit/light/index.js';

/** `forked`: two certified blocks of one height, which a third of the validators' keys must have signed twice. */
export type LightErrorCode = LightFault | 'forked';

/** What a node gave does not hold, and no other node gave better. The message names the node. */
export class LightError extends Error {
  override readonly name = 'LightError';
  constructor(
    readonly code: LightErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
