import type { Network } from '../../node/provision/index.js';
import type { Links } from './links.js';
import { type LinkProxy, startProxy } from './proxy.js';

/** How the nodes of a cluster reach one another, and how they are reached. Obeys the links that it was made with. */
export interface Wiring {
  /** The IP address that a node listens on, for peers and for RPC. */
  readonly host: (node: number) => { readonly p2p: string; readonly rpc: string };
  /** The multiaddr under which a node finds another one. */
  readonly address: (from: number, to: number) => string;
  /** What stands before the command that starts a node. */
  readonly prefix: (node: number) => readonly string[];
  close(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';

/** All nodes on loopback, one proxy for each directed pair. */
export async function wireProxies({ file: { nodes } }: Network, links: Links): Promise<Wiring> {
  const proxies = new Map<string, LinkProxy>();
  for (const from of nodes.keys()) {
    for (const [to, { p2p }] of nodes.entries()) {
      if (from === to) continue;
      proxies.set(`${from} ${to}`, await startProxy({ from, to, targetPort: portOf(p2p), links }));
    }
  }
  return {
    host: () => ({ p2p: LOOPBACK, rpc: LOOPBACK }),
    address: (from, to) => `/ip4/${LOOPBACK}/tcp/${proxies.get(`${from} ${to}`)!.port}`,
    prefix: () => [],
    close: async () => {
      await Promise.all([...proxies.values()].map((proxy) => proxy.close()));
    },
  };
}

/** The port at the end of a multiaddr. */
export function portOf(multiaddr: string): number {
  return Number(multiaddr.split('/').at(-1));
}
