export type DeviceErrorCode =
  | 'bad-data'
  | 'bad-ledger'
  | 'other-dataset'
  | 'budget-exhausted'
  | 'bad-keystore'
  | 'refused'
  | 'blacklisted';

/** Why a device cannot take part. The message says what to do. */
export class DeviceError extends Error {
  override readonly name = 'DeviceError';
  constructor(
    readonly code: DeviceErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
