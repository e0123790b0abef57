/** One node of the payloads bench, as a process of its own: transport, store and payload exchange, nothing above. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyTree, PAYLOAD_CHUNK_BYTES, payloadId } from '../../chain/index.js';
import { sha256, utf8ToBytes } from '../../crypto/index.js';
import { createLibp2pTransport, createPayloadExchange, type PeerAddress } from '../../net/index.js';
import { openPartials } from '../../node/partials.js';
import { openStore } from '../../node/store/index.js';

const STREAM = 'bench-stream';
const LONG_MS = 120_000;

/** What the bench asks of a node; each is answered with an `Answer`. */
export type Order =
  | { readonly kind: 'meet'; readonly peers: readonly PeerAddress[] }
  | { readonly kind: 'hold'; readonly seeds: readonly number[]; readonly bytes: number }
  | { readonly kind: 'fetch'; readonly payloads: readonly Announced[]; readonly from: readonly string[] }
  /** The limits of this machine: chunks hashed one after another; payloads written as the store writes them. */
  | { readonly kind: 'hash'; readonly bytes: number }
  | { readonly kind: 'write'; readonly seeds: readonly number[]; readonly bytes: number }
  | {
      readonly kind: 'stream';
      readonly from: readonly string[];
      readonly bytes: number;
      readonly times: number;
    };

export interface Announced {
  readonly id: Uint8Array;
  readonly size: number;
}

export interface Answer {
  readonly self: string;
  readonly addresses: readonly string[];
  readonly payloads: readonly Announced[];
  /** Wall and CPU time that the order took. */
  readonly ms: number;
  readonly cpuMs: number;
}

const chainId = sha256(utf8ToBytes('bench/payloads'));

/** A node of its own folder, started. */
async function openNode(name: string) {
  const folder = await mkdtemp(join(tmpdir(), 'consilium-bench-payloads-'));
  const path = join(folder, 'chain');
  const store = await openStore({ path, chainId, genesisState: emptyTree, create: true });
  const partials = await openPartials(join(folder, 'partial'), (id) => store.hasPayload(id));
  const transport = createLibp2pTransport({
    secret: sha256(utf8ToBytes(`bench/payloads/${name}`)),
    chainId,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    // A busy machine is no offence.
    limits: { penaltyPointsMax: 1_000_000, pingTimeoutMs: LONG_MS },
  });
  const exchange = createPayloadExchange({
    transport,
    partials,
    store: {
      has: (id) => store.hasPayload(id),
      get: (id) => store.payload(id),
      put: (id, bytes) => store.putPayload(id, bytes),
    },
  });
  transport.serve(
    STREAM,
    async (request) => new Uint8Array(new DataView(request.buffer, request.byteOffset).getUint32(0)),
    { requestBytesMax: 4, concurrentMax: 1 },
  );
  await transport.start();
  const close = async (): Promise<void> => {
    await exchange.close();
    await transport.stop();
    await store.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { store, transport, exchange, close };
}

async function main(name: string): Promise<void> {
  const { store, transport, exchange, close } = await openNode(name);
  /** Of the order at hand; what an order needs before its work begins is not counted. */
  let begun = { at: 0, cpu: process.cpuUsage() };
  const begin = () => {
    begun = { at: performance.now(), cpu: process.cpuUsage() };
  };

  async function carryOut(order: Order): Promise<readonly Announced[]> {
    switch (order.kind) {
      case 'meet':
        transport.setPeers(order.peers);
        while (transport.connectedPeers().length < order.peers.length - 1) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        return [];
      case 'hold': {
        const held: Announced[] = [];
        for (const seed of order.seeds) {
          const bytes = noise(seed, order.bytes);
          held.push({ id: payloadId(bytes), size: bytes.length });
          await store.putPayload(held.at(-1)!.id, bytes);
        }
        return held;
      }
      case 'fetch':
        await Promise.all(order.payloads.map(({ id, size }) => exchange.fetch(id, size, order.from)));
        return [];
      case 'hash': {
        const chunk = noise(1, PAYLOAD_CHUNK_BYTES);
        begin();
        for (let done = 0; done < order.bytes; done += chunk.length) payloadId(chunk);
        return [];
      }
      case 'write': {
        const payloads = order.seeds.map((seed) => noise(seed, order.bytes));
        const named = payloads.map((bytes) => ({ id: payloadId(bytes), bytes }));
        begin();
        await Promise.all(named.map(({ id, bytes }) => store.putPayload(id, bytes)));
        return [];
      }
      case 'stream': {
        const request = new Uint8Array(4);
        new DataView(request.buffer).setUint32(0, order.bytes);
        const options = { timeoutMs: LONG_MS, responseBytesMax: order.bytes };
        const takeFrom = async (from: string) => {
          for (let nth = 0; nth < order.times; nth += 1) {
            await transport.request(from, STREAM, request, options);
          }
        };
        await Promise.all(order.from.map(takeFrom));
        return [];
      }
      default: {
        const never: never = order;
        throw new TypeError(`unknown order ${String(never)}`);
      }
    }
  }

  const tell = async (order: Order | null): Promise<void> => {
    begin();
    const payloads = order === null ? [] : await carryOut(order);
    const { user, system } = process.cpuUsage(begun.cpu);
    const ms = performance.now() - begun.at;
    const addresses = transport.addresses();
    process.send!({
      self: transport.self,
      addresses,
      payloads,
      ms,
      cpuMs: (user + system) / 1_000,
    } satisfies Answer);
  };
  process.on('message', (order: Order) => void tell(order));
  process.once('disconnect', () => void close());
  await tell(null);
}

/** Bytes that don't compress. */
function noise(seed: number, bytes: number): Uint8Array {
  const words = new Int32Array(Math.ceil(bytes / 4));
  let state = seed + 1;
  for (let at = 0; at < words.length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  return new Uint8Array(words.buffer, 0, bytes);
}

await main(process.argv[2]!);
