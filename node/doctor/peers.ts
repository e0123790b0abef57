import { createConnection } from 'node:net';
import { readState } from '../../chain/index.js';
import { quorumOf } from '../../consensus/index.js';
import { paramsCell } from '../../contracts/index.js';
import type { ChainStart } from '../../genesis/index.js';
import { createLibp2pTransport } from '../../net/index.js';
import { systemClock } from '../driver/clock.js';
import { askClock, medianOf } from '../peerClocks.js';
import type { Client } from '../rpc/index.js';
import type { NodeConfig } from '../settings/index.js';
import type { Known } from './chain.js';
import type { OwnKeys } from './files.js';
import { type Finding, fault, ok, skipped, warning } from './finding.js';

const DIAL_MS = 3_000;

/** What is found of one configured peer. */
interface Peer {
  readonly publicKey: string;
  readonly name: string;
  readonly isLinked: boolean;
  /** Null: not known. */
  readonly offsetMs: number | null;
}

/**
 * Are there links to a quorum, and is the own clock like those of the others? A node that runs is asked; else links
 * are opened here, under its own key, and are over before this ends.
 */
export async function peerFindings(
  config: NodeConfig,
  chain: ChainStart,
  keys: OwnKeys,
  known: readonly Known[],
  running: Client | null,
): Promise<readonly Finding[]> {
  if (config.peers.length === 0) {
    const alone = known.filter(({ seat }) => seat !== 'lost').length <= 1;
    const none = 'no peers are configured';
    if (alone)
      return [
        ok('peers', `${none}, and none are needed`),
        skipped('clock', 'there is no peer to compare with'),
      ];
    return [fault('peers', none, 'add them with "consilium card add FOLDER CARD"'), skipped('clock', none)];
  }
  const nameOf = (key: string) => known.find(({ publicKey }) => publicKey === key)?.name ?? key.slice(0, 16);
  const found = running === null ? await dial(config, chain, keys) : await ask(config, running);
  const peers = found.map((each) => ({ ...each, name: nameOf(each.publicKey) }));
  return [...(await linkFindings(config, peers, known, keys)), clockFinding(peers, chain)];
}

type Found = Omit<Peer, 'name'>;

async function ask({ peers }: NodeConfig, client: Client): Promise<readonly Found[]> {
  const { peers: linked } = await client.call('node.peers', {});
  return peers.map(({ publicKey }) => {
    const link = linked.find((each) => each.publicKey === publicKey);
    return { publicKey, isLinked: link !== undefined, offsetMs: link?.clockOffsetMs ?? null };
  });
}

/** A request takes a link that both allow: one that comes back says all that is asked here. */
async function dial(
  { peers }: NodeConfig,
  { chainId }: ChainStart,
  keys: OwnKeys,
): Promise<readonly Found[]> {
  const transport = createLibp2pTransport({ secret: keys.sign, chainId, listen: [], onError: () => {} });
  transport.setPeers(
    peers.map(({ publicKey, addresses }) => ({ key: publicKey, addresses: [...addresses] })),
  );
  await transport.start();
  try {
    return await Promise.all(
      peers.map(async ({ publicKey }) => {
        const clock = await askClock(transport, publicKey, systemClock).catch(() => null);
        return { publicKey, isLinked: clock !== null, offsetMs: clock?.offsetMs ?? null };
      }),
    );
  } finally {
    await transport.stop();
  }
}

async function linkFindings(
  config: NodeConfig,
  peers: readonly Peer[],
  known: readonly Known[],
  keys: OwnKeys,
): Promise<readonly Finding[]> {
  const seats = known.filter(({ seat }) => seat !== 'lost').map(({ publicKey }) => publicKey);
  const needed = quorumOf(seats.length) - (seats.includes(keys.publicKey) ? 1 : 0);
  const linked = peers.filter(({ publicKey, isLinked }) => isLinked && seats.includes(publicKey)).length;
  const made = linked >= needed ? warning : fault;
  const lost = await Promise.all(
    peers
      .filter(({ isLinked }) => !isLinked)
      .map(async ({ publicKey, name }) => {
        const { addresses } = config.peers.find((each) => each.publicKey === publicKey)!;
        const answers = await Promise.all(addresses.map(reach));
        const reached = addresses.filter((_, index) => answers[index] === null);
        if (reached.length > 0) {
          const what = `${name} answers at ${reached.join(', ')} and does not let this node in`;
          return made(
            'peers',
            what,
            `it is of another chain, or this node’s key is not on its list yet (voted in?), or another node has that address: compare "consilium card show"`,
          );
        }
        const what = `${name} cannot be reached at ${addresses.map((address, index) => `${address} (${answers[index]})`).join(', ')}`;
        return made(
          'peers',
          what,
          'it is down, or a firewall is between, or it has moved: ask for its card, and "consilium card add"',
        );
      }),
  );
  const all = `${linked} links to validators, ${needed} make a quorum`;
  return [
    ...lost,
    linked >= needed
      ? ok('peers', all)
      : fault('peers', all, 'see the peers above: without a quorum the chain stands'),
  ];
}

/** Null: a TCP connection was made; else why not. */
function reach(address: string): Promise<string | null> {
  const [, , host, , port] = address.split('/');
  return new Promise((resolve) => {
    const socket = createConnection({ host: host!, port: Number(port), timeout: DIAL_MS });
    const done = (why: string | null) => {
      socket.destroy();
      resolve(why);
    };
    socket.once('connect', () => done(null));
    socket.once('timeout', () => done(`no answer in ${DIAL_MS} ms`));
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  });
}

function clockFinding(peers: readonly Peer[], { tip }: ChainStart): Finding {
  const offsets = peers.flatMap(({ offsetMs }) => offsetMs ?? []);
  const median = medianOf(offsets);
  if (median === null) return skipped('clock', 'no peer has told its time');
  const { clockDriftMs } = paramsCell.get(readState(tip.state))!.agreement;
  const text = `this clock differs by ${-median} ms from the median of ${offsets.length} peers; blocks bear ${clockDriftMs} ms`;
  if (Math.abs(median) > clockDriftMs) {
    return fault(
      'clock',
      text,
      'set it and keep it right: install chrony or systemd-timesyncd, look at "timedatectl"',
    );
  }
  const odd = peers.filter(({ offsetMs }) => offsetMs !== null && Math.abs(offsetMs - median) > clockDriftMs);
  if (odd.length > 0) {
    const whose = odd.map(({ name, offsetMs }) => `${name} (${offsetMs} ms)`).join(', ');
    return warning('clock', `${text}; wrong are those of ${whose}`, 'tell these hospitals');
  }
  return ok('clock', text);
}
