export type StoreErrorCode =
  | 'not-found'
  | 'another-chain'
  | 'another-format'
  | 'former-format'
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
export const REPAIR_HINT = 'run `consilium chain repair FOLDER` with the folder of the node’s config.json';

/** `where` names the place (height and entry), `what` says what was found there. */
export function damaged(path: string, where: string, what: string, cause?: unknown): StoreError {
  const message =
    `the chain in ${path} is damaged at ${where}: ${what}. The disk may be failing: check it. Then ` +
    `${REPAIR_HINT}: it keeps what is whole, the node fetches the rest from its peers, and does not vote where it ` +
    'may have voted before';
  return new StoreError('damaged', message, { cause });
}
