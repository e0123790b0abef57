/** JSON-RPC 2.0 over HTTP: the server of a node, the client and the wallet of its callers. */
export type { CallOptions, ClientOptions } from './caller.js';
export { type Client, type Committed, createClient } from './client.js';
export type { RpcContext, SubmitFault, Submitted } from './context.js';
export { type ErrorWord, errorTable, RpcError, RpcServerError, type RpcServerFault } from './errors.js';
export { base64ToBytes, bytesToBase64, type Json, jsonOf } from './json.js';
export { type RpcLimits, rpcLimits } from './limits.js';
export { listAccounts } from './listAccounts.js';
export { createLocalClient } from './localClient.js';
export type { MethodName, ParamsOf, ResultOf } from './methods/index.js';
export { type RpcServer, type RpcServerOptions, startRpcServer } from './server.js';
export type { Cursor } from './socket/cursor.js';
export type { ItemOf, TopicName } from './socket/topics/index.js';
export { type Item, type SubscribeOptions, subscribe } from './subscribe.js';
export { layerForm, type TaskSpecForm, taskSpecFromForm, taskSpecToForm } from './taskForms.js';
export { createWallet, type SignedCall, type Wallet, type WalletCall } from './wallet.js';
