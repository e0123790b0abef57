import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import type { Network } from '../../node/provision/index.js';
import type { Links } from './links.js';
import { portOf, type Wiring } from './wiring.js';

/**
 * Each node in a network namespace of its own (Linux, root, iproute2). Two cables lead into it: one to a bridge,
 * over which nodes reach one another straight, and one to this process, for RPC. Nodes that links cut off from each
 * other stand on different bridges: the kernel then loses their packets, as a broken network does, and TCP learns of
 * it when its timers say so.
 *
 * Addresses come from 198.18.0.0/15, set aside for tests of networks (RFC 2544). Names begin with `cf` and this
 * process's id, so that a later run can remove what one that was killed left behind.
 */
export function wireNamespaces({ file: { nodes } }: Network, links: Links): Wiring {
  removeLeftovers();
  const names = namesOf(process.pid);
  const net = randomInt(256);
  const all = [...nodes.keys()];
  const peerHost = (node: number) => `198.19.${net}.${node + 1}`;
  const rpcHost = (node: number) => `198.18.${net}.${4 * node + 2}`;
  const close = () => {
    stopListening();
    remove(process.pid);
  };
  const setUp = all.flatMap((node) => {
    const space = names.space(node);
    return [
      `netns add ${space}`,
      `link add ${names.bridge(node)} type bridge`,
      `link set ${names.bridge(node)} up`,
      `link add ${names.cable(node)} type veth peer name peers netns ${space}`,
      `link set ${names.cable(node)} master ${names.bridge(0)} up`,
      `link add ${names.rpc(node)} type veth peer name rpc netns ${space}`,
      `address add 198.18.${net}.${4 * node + 1}/30 dev ${names.rpc(node)}`,
      `link set ${names.rpc(node)} up`,
    ];
  });
  const inside = (node: number) => [
    'link set lo up',
    `address add ${peerHost(node)}/24 dev peers`,
    'link set peers up',
    `address add ${rpcHost(node)}/30 dev rpc`,
    'link set rpc up',
  ];
  const stopListening = links.onChange(() => {
    ip(all.map((node) => `link set ${names.cable(node)} master ${names.bridge(sideOf(links, node))}`));
  });
  try {
    // One by one what needs the bridge of node 0 comes after it: `setUp` begins with that node.
    ip(setUp);
    for (const node of all) ip(inside(node), names.space(node));
  } catch (error) {
    close();
    throw error;
  }
  return {
    host: (node) => ({ p2p: peerHost(node), rpc: rpcHost(node) }),
    address: (_, to) => `/ip4/${peerHost(to)}/tcp/${portOf(nodes[to]!.p2p)}`,
    prefix: (node) => ['ip', 'netns', 'exec', names.space(node)],
    close: async () => close(),
  };
}

/** Null, or why this process may not make network namespaces here. */
export function namespacesMissing(): string | null {
  if (process.platform !== 'linux') return `${process.platform} has no network namespaces`;
  const { space, cable, bridge } = namesOf(process.pid);
  try {
    ip([
      `netns add ${space(0)}`,
      `link add ${bridge(0)} type bridge`,
      `link add ${cable(0)} type veth peer name peers netns ${space(0)}`,
    ]);
    return null;
  } catch (error) {
    return (error as Error).message.trim().split('\n').at(-1)!;
  } finally {
    remove(process.pid);
  }
}

/** The first node that this one is not cut off from; cuts by namespaces are always both ways. */
function sideOf(links: Links, node: number): number {
  let side = 0;
  while (side < node && links.flow(side, node).cut !== null) side += 1;
  return side;
}

function namesOf(pid: number) {
  return {
    space: (node: number) => `cf${pid}n${node}`,
    bridge: (node: number) => `cf${pid}b${node}`,
    cable: (node: number) => `cf${pid}c${node}`,
    rpc: (node: number) => `cf${pid}r${node}`,
  };
}

/** Runs commands of iproute2, in one go; throws with what it said at the first that fails. */
function ip(commands: readonly string[], space: string | null = null): string {
  const where = space === null ? [] : ['-netns', space];
  const input = `${commands.join('\n')}\n`;
  return execFileSync('ip', [...where, '-batch', '-'], { input, encoding: 'utf8', stdio: 'pipe' });
}

/** Everything that a process made. What is gone already is no fault. */
function remove(pid: number): void {
  const own = new RegExp(`\\b(cf${pid}[nbcr]\\d+)\\b`, 'g');
  for (const [list, removal] of [
    ['netns list', 'netns delete'],
    ['-brief link list', 'link delete'],
  ] as const) {
    const found = execFileSync('ip', list.split(' '), { encoding: 'utf8' }).match(own) ?? [];
    for (const name of new Set(found)) {
      try {
        execFileSync('ip', [...removal.split(' '), name], { stdio: 'ignore' });
      } catch {
        // A cable goes with the namespace that its other end is in.
      }
    }
  }
}

function removeLeftovers(): void {
  const spaces = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  const pids = new Set([...spaces.matchAll(/\bcf(\d+)n\d+\b/g)].map(([, pid]) => Number(pid)));
  for (const pid of pids) {
    try {
      process.kill(pid, 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') remove(pid);
    }
  }
}
