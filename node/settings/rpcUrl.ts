import type { NodeConfig } from './schema.js';

/** A node's RPC from this machine, whatever address it listens on. Pure. */
export function rpcUrlOf({ rpc: { host, port } }: Pick<NodeConfig, 'rpc'>): string {
  const any = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${any.includes(':') ? `[${any}]` : any}:${port}`;
}
