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
  /**
   * Steps of one call (steps.ts): state read and written, and work that is dear. The payloads beside it are bounded by
   * bytes. The dearest of today's calls take 111,600 (a level set with 1,000 validators and 4,000 proposals open;
   * 11,500 with 100 and 400), 11,200 (the largest training task), 10,100 (a budget), 5,700 (the last of 1,000 updates)
   * and 4,200 (the last of 1,000 devices to enrol); an anchor takes 60. test/unit/contracts/steps.test.ts measures them.
   */
  stepsPerCallMax: 400_000,
  /** A block takes no further transaction when those before it have had so many. */
  stepsPerBlockMax: 16_000_000,
} as const;
