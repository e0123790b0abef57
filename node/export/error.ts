export type ExportErrorCode =
  | 'not-found'
  | 'not-an-export'
  | 'cut-short'
  | 'wrong-bytes'
  | 'disorder'
  | 'bad-genesis'
  | 'bad-anchor'
  | 'bad-range'
  | 'unavailable'
  | 'worker-failed';

/** An export that cannot be written or read. The message says what to do. */
export class ExportError extends Error {
  override readonly name = 'ExportError';
  constructor(
    readonly code: ExportErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
