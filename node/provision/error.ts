export type ProvisionFault =
  /** The folder holds other things, or a network already. */
  | 'folder-in-use'
  | 'not-a-network'
  /** genesis.json is not the one that the network was provisioned with. */
  | 'other-genesis'
  /** genesis.json does not parse. */
  | 'bad-genesis'
  | 'bad-keystore'
  | 'bad-schema'
  /** The CSV: not a table, columns missing, text where a number belongs, no rows, too few rows ... */
  | 'bad-data'
  | 'bad-options';

/** Why a network cannot be provisioned or opened. `message` is a sentence for people, `problems` all of them. */
export class ProvisionError extends Error {
  override readonly name = 'ProvisionError';
  constructor(
    readonly code: ProvisionFault,
    message: string,
    readonly problems: readonly string[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
