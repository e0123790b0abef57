/** Every bound of what a block may hold. Values are part of the protocol: changing one forks the chain. */
export const limits = {
  transactionBytesMax: 65_536,
  transactionsPerBlockMax: 2_048,
  payloadsPerTransactionMax: 4,
  payloadBytesMax: 32 * 1024 * 1024,
  blockBytesMax: 1024 * 1024,
  membersMax: 1_000,
  /** Of all transactions together: what a block leaves beside its header and `membersMax` parent votes. */
  transactionBytesPerBlockMax: 896 * 1024,
  levelMax: 255,
  nameBytesMax: 64,
  stateValueBytesMax: 1024 * 1024,
  receiptBytesMax: 4 * 1024 * 1024,
  eventsPerReceiptMax: 65_536,
  /** One block may announce at most this much; a leader stops adding transactions before it. */
  payloadBytesPerBlockMax: 256 * 1024 * 1024,
  voteBytesMax: 512,
} as const;
