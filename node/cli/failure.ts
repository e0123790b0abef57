import { ProvisionError, type ProvisionFault } from '../provision/error.js';
import { type ErrorWord, errorTable, RpcError } from '../rpc/errors.js';
import { TestnetError, type TestnetFault } from '../testnet/error.js';
import { type ExitName, exitCodes } from './exitCodes.js';

/** A failure that a command tells its user: what happened and, if there is something, what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    readonly code: ExitName,
    message: string,
    readonly hint: string | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What users and scripts see of a failure: never a stack trace. */
export interface Failure {
  readonly exit: ExitName;
  /** The stable word of the fault, finer than the exit code. */
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

const provisionExits: Readonly<Record<ProvisionFault, ExitName>> = {
  'folder-in-use': 'bad-folder',
  'not-a-network': 'bad-folder',
  'other-genesis': 'other-genesis',
  'bad-genesis': 'bad-genesis',
  'bad-keystore': 'bad-config',
  'bad-schema': 'bad-data',
  'bad-data': 'bad-data',
  'bad-options': 'usage',
};

const testnetExits: Readonly<Record<TestnetFault, ExitName>> = {
  'port-in-use': 'port-in-use',
  'node-failed': 'node-failed',
  'not-ready': 'timed-out',
  'already-running': 'usage',
  'not-running': 'usage',
  'unknown-node': 'usage',
  'does-not-end': 'node-failed',
};

const rpcExits: Readonly<Partial<Record<ErrorWord, ExitName>>> = {
  unreachable: 'unreachable',
  'bad-answer': 'unreachable',
  'timed-out': 'timed-out',
  busy: 'timed-out',
  cancelled: 'interrupted',
  'wrong-chain': 'other-genesis',
};

/** Error classes of parts that are loaded only when they are used (store, network, tensor library). */
const exitsByName: Readonly<Record<string, ExitName>> = {
  ConfigError: 'bad-config',
  TaskFileError: 'bad-config',
  StoreError: 'bad-folder',
  NetError: 'node-failed',
  RpcServerError: 'node-failed',
  DataError: 'bad-data',
  DeviceError: 'bad-config',
  ExportError: 'bad-export',
  LightError: 'check-failed',
  JoinError: 'unreachable',
  ModelError: 'refused',
  FoundingError: 'check-failed',
  TrainerError: 'refused',
  PipelineError: 'refused',
};

/** Codes of these errors that mean something more exact. */
const exitsByWord: Readonly<Record<string, ExitName>> = {
  'other-genesis': 'other-genesis',
  'another-chain': 'other-genesis',
  'other-chain': 'other-genesis',
  'wrong-digest': 'other-genesis',
  'not-initialised': 'bad-folder',
  'bad-genesis': 'bad-genesis',
  'port-in-use': 'port-in-use',
  'listen-failed': 'port-in-use',
  EADDRINUSE: 'port-in-use',
  'bad-range': 'usage',
  untrusted: 'check-failed',
  'folder-in-use': 'bad-folder',
  'not-valid': 'check-failed',
  'worker-failed': 'internal',
};

/** Turns any error into what is told. An error that nobody expected is "internal". */
export function failureOf(error: unknown): Failure {
  if (error instanceof CliError)
    return { exit: error.code, code: error.code, message: error.message, hint: error.hint };
  if (error instanceof ProvisionError) return told(provisionExits[error.code], error);
  if (error instanceof RpcError) return rpcFailure(error);
  if (error instanceof TestnetError) return told(nodeExit(error), error);
  if (!(error instanceof Error))
    return { exit: 'internal', code: 'internal', message: String(error), hint: null };
  const word = 'code' in error && typeof error.code === 'string' ? error.code : null;
  const exit = word === null ? undefined : (exitsByWord[word] ?? exitsByName[error.name]);
  if (word !== null && exit !== undefined) return { exit, code: word, message: error.message, hint: null };
  return { exit: 'internal', code: word ?? 'internal', message: error.message, hint: BUG_HINT };
}

const BUG_HINT = 'this is a bug of Consilium; CONSILIUM_DEBUG=1 prints where';

function told(exit: ExitName, error: Error & { readonly code: string }): Failure {
  return { exit, code: error.code, message: error.message, hint: null };
}

function rpcFailure({ word, detail }: RpcError): Failure {
  const exit = rpcExits[word] ?? 'refused';
  return { exit, code: word, message: detail, hint: errorTable[word].advice };
}

/** A validator's process ended with an exit code of this very program: pass its meaning on. */
function nodeExit(error: TestnetError): ExitName {
  const named = Object.entries(exitCodes).find(([, code]) => code === error.exitCode && code > 2);
  return (named?.[0] as ExitName | undefined) ?? testnetExits[error.code];
}
