export type StoreErrorCode =
  | 'not-found'
  | 'another-chain'
  | 'another-format'
  | 'locked'
  | 'damaged'
  | 'unreadable'
  | 'write-failed'
  | 'wrong-payload'
  | 'closed';

/** What went wrong with a chain folder; the message says what to do about it. Match on `code`. */
export class StoreError extends Error {
  constructor(
    readonly code: StoreErrorCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    this.name = 'StoreError';
  }
}

/** What can be done about a folder whose entries cannot be trusted any more. */
const START_OVER =
  'The disk may be failing: check it. Then move this folder away and start the node with the same genesis; ' +
  'it fetches the chain from its peers again. Keep its keys, and let the network pass the height at which it ' +
  'stopped before it votes again: what it had voted for may be lost.';

/** `where` names the place (height and entry), `what` says what was found there. */
export function damaged(path: string, where: string, what: string, cause?: unknown): StoreError {
  return new StoreError('damaged', `the chain in ${path} is damaged at ${where}: ${what}. ${START_OVER}`, {
    cause,
  });
}
