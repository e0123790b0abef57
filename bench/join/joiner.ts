import { createLibp2pTransport, type PeerAddress } from '../../net/index.js';
import { createLogger } from '../../node/log.js';
import { joinChain } from '../../node/snapshot/index.js';
import { openStore } from '../../node/store/index.js';
import { tipOf } from '../../node/tip.js';
import { benchChain } from './chain.js';

/** What joining took, from the first dial to the opened chain folder. CPU is that of this whole process. */
export interface JoinFigures {
  readonly height: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  /** Milliseconds after the peers were there. */
  readonly headerMs: number;
  readonly stateMs: number;
}

/** Joins the bench's chain from these peers in a process of its own, and says what that took: `node joiner.js FOLDER PEERS`. */
const [path = '', peers = '[]'] = process.argv.slice(2);
const test = benchChain();
const { chain } = test;
const { secret } = test.validators[3]!;
const marks = new Map<string, number>();
const log = createLogger('info', (line) => {
  const { event, ms } = JSON.parse(line) as { event: string; ms?: number };
  if (ms !== undefined) marks.set(event, ms);
});
const begun = performance.now();
const before = process.cpuUsage();
const transport = createLibp2pTransport({
  secret,
  chainId: chain.chainId,
  listen: ['/ip4/127.0.0.1/tcp/0'],
  onError: () => {},
});
transport.setPeers(JSON.parse(peers) as readonly PeerAddress[]);
await transport.start();
const joined = await joinChain({ chain, path, transport, log });
await transport.stop();
if (joined.outcome !== 'joined') throw new Error(`did not join: ${joined.why}`);
const store = await openStore({ path, chainId: chain.chainId, genesisState: chain.tip.state, create: false });
const { height } = tipOf(store, chain);
const { user, system } = process.cpuUsage(before);
const figures: JoinFigures = {
  height,
  wallMs: performance.now() - begun,
  cpuMs: (user + system) / 1_000,
  headerMs: marks.get('join-header') ?? Number.NaN,
  stateMs: marks.get('join-state') ?? Number.NaN,
};
await store.close();
process.send?.(figures);
process.disconnect?.();
