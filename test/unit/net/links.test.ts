import type { Stream } from '@libp2p/interface';
import { afterEach, describe, expect, it } from 'vitest';
import { bytesToHex, publicKeyOf, sha256, utf8ToBytes } from '../../../crypto/index.js';
import {
  createLibp2pTransport,
  defaultNetLimits,
  type NetLimits,
  type Transport,
} from '../../../net/index.js';
import { createNode, type Node } from '../../../net/libp2pNode.js';
import { Collector, soon } from '../../compliance/deadline.js';
import { Links } from '../../faults/links.js';
import { startProxy } from '../../faults/proxy.js';

/** A transport and the bare libp2p node of a peer, which a test can make misbehave below the transport's rules. */

const seed = (label: string) => sha256(utf8ToBytes(`links/${label}`));
const chainId = sha256(utf8ToBytes('links'));
const topics = ['transactions', 'consensus'].map((topic) => `/consilium/${bytesToHex(chainId)}/${topic}`);
const peerKey = bytesToHex(publicKeyOf(seed('peer')));

const opened: { stop(): unknown }[] = [];
afterEach(async () => {
  for (const node of opened.splice(0)) await node.stop();
});

async function barePeer(subscribed = topics): Promise<Node> {
  const node = await createNode({
    secret: seed('peer'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    limits: defaultNetLimits,
    gossipTopics: topics,
    admits: () => true,
  });
  await node.start();
  opened.push(node);
  for (const topic of subscribed) node.services.gossip.subscribe(topic);
  return node;
}

async function start(limits: Partial<NetLimits> = {}) {
  const changes = new Collector<string>();
  const transport = createLibp2pTransport({
    secret: seed('self'),
    chainId,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    limits: { redialMinMs: 10, redialMaxMs: 50, dialGraceMs: 0, gossipHeartbeatMs: 100, ...limits },
  });
  transport.onPeer((_, state) => changes.push(state));
  await transport.start();
  opened.push(transport);
  return { transport, changes };
}

function addressesOf(node: Node): string[] {
  return node.getMultiaddrs().map((address) => address.toString());
}

async function connected(transport: Transport, changes: Collector<string>, node: Node): Promise<void> {
  transport.setPeers([{ key: peerKey, addresses: addressesOf(node) }]);
  await changes.until('the link', (values) => values.at(-1) === 'connected');
}

describe('libp2p links', () => {
  for (const direction of ['inbound', 'outbound'] as const) {
    it(`are opened anew when the peer’s ${direction} gossip stream breaks and the connection stays`, async () => {
      const node = await barePeer();
      const { transport, changes } = await start();
      await connected(transport, changes, node);
      const stream = node
        .getConnections()
        .flatMap((connection) => connection.streams)
        .find((candidate) => candidate.protocol.startsWith('/meshsub/') && candidate.direction === direction);
      stream!.abort(new Error('broken by the test'));
      await changes.until('the link to heal', (values) => values.length === 3);
      expect(changes.values).toEqual(['connected', 'disconnected', 'connected']);
      const heard = new Collector<Uint8Array>();
      transport.onMessage('consensus', (message) => {
        heard.push(message);
        return 'accept';
      });
      await soon('publishing', node.services.gossip.publish(topics[1]!, new Uint8Array(9)));
      await heard.until('the message', (values) => values.length === 1);
    });
  }

  it('are given up when they carry no gossip in time, and not counted as connected', async () => {
    const node = await barePeer(topics.slice(0, 1));
    const closed = new Collector<string>();
    node.addEventListener('connection:close', () => closed.push('closed'));
    const { transport, changes } = await start({ linkSetupMs: 100 });
    transport.setPeers([{ key: peerKey, addresses: addressesOf(node) }]);
    await closed.until('the link to be given up twice', (values) => values.length === 2);
    expect(changes.values).toEqual([]);
  });

  it('do not open to a peer that is not who the address book says', async () => {
    const node = await barePeer();
    const { transport } = await start();
    const address = addressesOf(node)[0]!.replace(/\/p2p\/.*/, '');
    transport.setPeers([{ key: bytesToHex(publicKeyOf(seed('other'))), addresses: [address] }]);
    const result = transport.request(bytesToHex(publicKeyOf(seed('other'))), 'echo', new Uint8Array(0));
    await expect(soon('the answer', result)).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('take a gossip message shorter than its nonce for an offence', async () => {
    const node = await barePeer();
    const errors = new Collector<Error>();
    const transport = createLibp2pTransport({
      secret: seed('self'),
      chainId,
      listen: [],
      limits: { oversizePoints: 100 },
      onError: errors.push,
    });
    const changes = new Collector<string>();
    transport.onPeer((_, state) => changes.push(state));
    await transport.start();
    opened.push(transport);
    await connected(transport, changes, node);
    await node.services.gossip.publish(topics[1]!, new Uint8Array(7));
    await errors.until('the report', (values) => values.length === 1);
    expect(errors.values[0]!.message).toBe(`shut out ${peerKey}: gossip message of 7 bytes`);
  });

  it('are hung up when nothing comes back, and dialled anew', async () => {
    const node = await barePeer();
    const links = new Links();
    const targetPort = Number(addressesOf(node)[0]!.split('/')[4]);
    const proxy = await startProxy({ from: 0, to: 1, targetPort, links });
    opened.push({ stop: () => proxy.close() });
    const { transport, changes } = await start({ pingEveryMs: 50, pingTimeoutMs: 300 });
    transport.setPeers([{ key: peerKey, addresses: [`/ip4/127.0.0.1/tcp/${proxy.port}`] }]);
    await changes.until('the link', (values) => values.at(-1) === 'connected');
    const heal = links.hold((from) => from === 1, { cut: 'silent', delayMs: 0 });
    await changes.until('the end of the mute link', (values) => values.at(-1) === 'disconnected');
    heal();
    await changes.until('the next link', (values) => values.at(-1) === 'connected');
  });

  it('are pinged as often, and may be silent as long, as the limits say', async () => {
    const node = await barePeer();
    const pings = new Collector<Stream>();
    let answers = true;
    const answer = (stream: Stream) => {
      pings.push(stream);
      stream.addEventListener('message', ({ data }) => {
        if (!answers) return;
        stream.send(data);
        void stream.close();
      });
    };
    await node.handle('/ipfs/ping/1.0.0', answer, { maxInboundStreams: 1_000 });
    const { transport, changes } = await start({ pingEveryMs: 50, pingTimeoutMs: 1_000 });
    await connected(transport, changes, node);
    // libp2p's own interval of 10 s would take minutes.
    await pings.until('twenty pings', ({ length }) => length >= 20);
    answers = false;
    const before = { pings: pings.values.length, changes: changes.values.length };
    await changes.until('the end of the mute link', (values) =>
      values.slice(before.changes).includes('disconnected'),
    );
    // Twenty begin within a second. By itself libp2p waits 5 s at least: a hundred, or the 64 streams that it opens.
    expect(pings.values.length - before.pings).toBeLessThan(45);
  });

  it('serve the peers of one chain only', async () => {
    const other = createLibp2pTransport({
      secret: seed('peer'),
      chainId: sha256(utf8ToBytes('another chain')),
      listen: ['/ip4/127.0.0.1/tcp/0'],
    });
    await other.start();
    opened.push(other);
    other.serve('echo', async (request) => request, { requestBytesMax: 1, concurrentMax: 1 });
    const { transport } = await start();
    other.setPeers([{ key: transport.self, addresses: [] }]);
    transport.setPeers([{ key: other.self, addresses: other.addresses() }]);
    const result = transport.request(other.self, 'echo', new Uint8Array(0));
    await expect(soon('the answer', result)).rejects.toMatchObject({ code: 'refused' });
    expect(transport.connectedPeers()).toEqual([]);
  });
});
