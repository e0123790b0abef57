export type FoundingFault =
  /** No card by its form, or one whose proofs do not hold: it was altered, or its keys are a stranger's. */
  | 'bad-card'
  /** A card that was made for another chain, or for founding one when there is one. */
  | 'other-chain'
  /** Two cards, or a card and the genesis, share what each has for itself. */
  | 'reused'
  /** The genesis is not the one that was agreed on. */
  | 'wrong-digest'
  /** The genesis lacks a hospital that has a card, says something else of it, or has one without a card. */
  | 'not-as-agreed'
  /** The folder holds other things, or is that of another chain. */
  | 'folder-in-use'
  /** The folder was not made by `init`. */
  | 'not-initialised';

/** Why a network cannot be founded or joined with these files. `message` says what to do. */
export class FoundingError extends Error {
  override readonly name = 'FoundingError';
  constructor(
    readonly code: FoundingFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
