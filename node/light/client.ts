import { type Caller, type ClientOptions, callerOf } from '../rpc/caller.js';
import { httpExchange } from '../rpc/httpExchange.js';
import { chainStatus } from '../rpc/methods/chainStatus.js';
import { proofFollow } from '../rpc/methods/proofFollow.js';
import { proofHeader } from '../rpc/methods/proofHeader.js';
import { proofHeaders } from '../rpc/methods/proofHeaders.js';
import { proofState } from '../rpc/methods/proofState.js';
import { proofTransaction } from '../rpc/methods/proofTransaction.js';
import { taskGet } from '../rpc/methods/taskGet.js';
import { taskList } from '../rpc/methods/taskList.js';

/** What a light client asks of a node. The rest of the RPC stays out of a page's bundle. */
const lightMethods = {
  'chain.status': chainStatus,
  'proof.header': proofHeader,
  'proof.headers': proofHeaders,
  'proof.follow': proofFollow,
  'proof.transaction': proofTransaction,
  'proof.state': proofState,
  'task.list': taskList,
  'task.get': taskGet,
} as const;

/** Asks one node; any client of the RPC is one. */
export interface LightClient {
  readonly url: string;
  readonly call: Caller<typeof lightMethods>;
}

/** For where there is no Node: with nothing of the RPC but what a light client needs. */
export function createLightClient(url: string, options: ClientOptions = {}): LightClient {
  return { url, call: callerOf(url, httpExchange(url), lightMethods, options) };
}
