/**
 * Why a node could not join by a snapshot.
 *
 *   unavailable  no peer gives what is needed (any more): another snapshot may be had
 *   untrusted    no peer can show the block that the operator trusts, or none offers a snapshot after it
 */
export type JoinErrorCode = 'unavailable' | 'untrusted';

/** The message says what to do. Match on `code`. */
export class JoinError extends Error {
  override readonly name = 'JoinError';
  constructor(
    readonly code: JoinErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
