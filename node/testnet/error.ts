export type TestnetFault =
  | 'port-in-use'
  /** The process ended before it was ready. */
  | 'node-failed'
  /** The process runs but did not say "ready" within the bound. */
  | 'not-ready'
  | 'already-running'
  | 'not-running'
  | 'unknown-node'
  /** The process did not even end on SIGKILL within the bound. */
  | 'does-not-end';

/** Why a local network's processes cannot be started or stopped. `exitCode` is that of the process, if it ended. */
export class TestnetError extends Error {
  override readonly name = 'TestnetError';
  constructor(
    readonly code: TestnetFault,
    message: string,
    readonly exitCode: number | null = null,
  ) {
    super(message);
  }
}
