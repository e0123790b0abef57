import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeBlock, PAYLOAD_CHUNK_BYTES, payloadId, signTransaction } from '../../chain/index.js';
import { bytesToHex, publicKeyOf } from '../../crypto/index.js';
import {
  CHUNK_PROTOCOL,
  CHUNK_REQUEST_BYTES,
  chunkCount,
  chunkResponder,
  decodeChunkRequest,
  partlyResponse,
} from '../../net/chunk.js';
import { createLibp2pTransport, defaultPayloadLimits, joinBatch, type Transport } from '../../net/index.js';
import { packEnvelope } from '../../node/envelope.js';
import { readKeystore } from '../../node/provision/index.js';
import { base64ToBytes, type Client } from '../../node/rpc/index.js';
import { nodePid } from '../../node/testnet/index.js';
import {
  allWaiting,
  largeTask,
  largeUpdate,
  type PlayedDevice,
  peakMemoryMiB,
  playDevices,
  submitTogether,
} from '../support/largeUpdates.js';
import { closedRounds, type Hospitals, level, provisionHospitals, until } from '../support/processes.js';

const DEVICES = 20;
const MEMORY_MIB_MAX = 600;

let hospitals: Hospitals | null = null;
afterEach(async () => {
  await hospitals?.close();
  hospitals = null;
});

/** Payload ids of the updates in each block of a range. */
async function updatesByBlock(client: Client, from: number, to: number): Promise<readonly string[][]> {
  const found: string[][] = [];
  for (let height = from; height <= to; height += 1) {
    const { blocks } = await client.call('chain.export', { from: height, to: height });
    const { transactions } = decodeBlock(base64ToBytes(blocks[0]!.block)!);
    found.push(transactions.flatMap(({ payloads }) => payloads.map(({ id }) => bytesToHex(id))));
  }
  return found;
}

/** All devices' updates wait at every node, behind a nonce; then the nonces are filled, all at once. */
async function playRound(
  { clients }: Hospitals,
  devices: readonly PlayedDevice[],
  round: number,
  bits: number,
) {
  const ids: string[] = [];
  for (const [nth, device] of devices.entries()) {
    const payload = largeUpdate(round * devices.length + nth, bits);
    ids.push(bytesToHex(payloadId(payload)));
    const { submission } = await device.signUpdate(round, payload, 1);
    await device.client.call('tx.submit', submission, { timeoutMs: 120_000 });
  }
  await allWaiting(clients, devices.length);
  const fillers = await Promise.all(devices.map((device) => device.signFiller()));
  await submitTogether(clients[0]!, fillers);
  return ids.sort();
}

describe('20 updates of 1.66 million parameters each', () => {
  it('stand in one block, are held by every node, and memory stays bounded', async () => {
    hospitals = await provisionHospitals(4, DEVICES / 4);
    const { network, names, clients } = hospitals;
    const devices = playDevices(hospitals);
    await hospitals.start();
    // A block that begins before the last nonce is filled takes fewer: then the next round tries again.
    const rounds = 3;
    const task = await hospitals.publish(largeTask(DEVICES, rounds));
    // A device asks its own hospital's node, which may hear of the task a moment after the publisher's.
    await level(clients);
    await Promise.all(devices.map((device) => device.enrol(task)));
    await until('the first round', 120_000, async () => (await clients[0]!.call('task.get', { task })).round);
    await level(clients);

    let most = 0;
    for (let round = 1; round <= rounds && most < DEVICES; round += 1) {
      const from = await level(clients);
      const ids = await playRound(hospitals, devices, round, 5);
      const [closed] = await closedRounds(clients[0]!, task, round, 400_000);
      expect(closed).toMatchObject({ round, status: 'closed' });
      const to = await level(clients);
      const peaks = names.map((name) => peakMemoryMiB(nodePid(network, name)!));
      for (const peak of peaks) if (peak !== null) expect(peak).toBeLessThan(MEMORY_MIB_MAX);
      process.stderr.write(
        `peak memory of the nodes: ${peaks.map((peak) => peak?.toFixed(0)).join(', ')} MiB\n`,
      );
      const blocks = await updatesByBlock(clients[1]!, from + 1, to);
      expect(blocks.flat().sort()).toEqual(ids);
      most = Math.max(...blocks.map(({ length }) => length));
      for (const client of clients) {
        for (const id of ids) {
          const { bytes } = await client.call('payload.get', { id });
          expect(bytesToHex(payloadId(base64ToBytes(bytes)!))).toBe(id);
        }
      }
    }
    expect(most).toBe(DEVICES);
  }, 900_000);
});

describe('an update of 32 bits an entry, 6.6 MB', () => {
  it('goes through the RPC into a block, and comes back', async () => {
    hospitals = await provisionHospitals(1, 1);
    const { network, names, clients } = hospitals;
    const client = clients[0]!;
    const [device] = playDevices(hospitals) as readonly [PlayedDevice];
    await hospitals.start();
    const task = await hospitals.publish(largeTask(1, 1));
    await device.enrol(task);
    await until('the first round', 120_000, async () => (await client.call('task.get', { task })).round);
    const payload = largeUpdate(1, 32);
    expect(payload.length).toBeGreaterThan(6_600_000);
    const { submission, hash } = await device.signUpdate(1, payload);
    await client.call('tx.submit', submission, { timeoutMs: 120_000 });
    const [closed] = await closedRounds(client, task, 1, 400_000);
    expect(closed).toMatchObject({ round: 1, status: 'closed' });
    expect(await client.call('tx.get', { hash })).toMatchObject({ status: 'committed' });
    const { bytes } = await client.call('payload.get', { id: bytesToHex(payloadId(payload)) });
    expect(Buffer.compare(base64ToBytes(bytes)!, payload)).toBe(0);
    const peak = peakMemoryMiB(nodePid(network, names[0]!)!);
    process.stderr.write(`peak memory: ${peak?.toFixed(0)} MiB\n`);
    if (peak !== null) expect(peak).toBeLessThan(MEMORY_MIB_MAX);
  }, 600_000);
});

describe('150 MB of payloads on their way to one node', () => {
  const COUNT = 23;
  const BYTES = 6_645_606;

  it('take little of its memory, and after kill -9 it asks only for what it lacks', async () => {
    hospitals = await provisionHospitals(4, 1);
    const { network, names } = hospitals;
    const [name] = names;
    playDevices(hospitals);
    await hospitals.start([name!]);
    const payloads = Array.from({ length: COUNT }, (_, nth) => noise(nth + 1, BYTES));
    const served = { first: false, asked: new Set<string>() };
    const peers = await playPeers(hospitals, names.slice(1), payloads, served);
    try {
      const announce = announcement(hospitals, payloads);
      await until('the links', 120_000, async () =>
        peers.every((peer) => peer.connectedPeers().length > 0) ? true : tick(),
      );
      peers[0]!.publish('transactions', announce);
      const chunks = COUNT * Math.ceil(BYTES / PAYLOAD_CHUNK_BYTES);
      const rest = chunks - COUNT;
      const asked = (index: boolean) => [...served.asked].filter((at) => at.endsWith('/0') === index).length;
      await until('all but the first chunks', 400_000, async () => (asked(false) === rest ? true : tick()));
      const peak = peakMemoryMiB(nodePid(network, name!)!);
      process.stderr.write(`peak memory: ${peak?.toFixed(0)} MiB\n`);
      if (peak !== null) expect(peak).toBeLessThan(MEMORY_MIB_MAX);

      await hospitals.kill([name!]);
      served.asked.clear();
      served.first = true;
      await hospitals.start([name!]);
      await until('the links', 120_000, async () =>
        peers.every((peer) => peer.connectedPeers().length > 0) ? true : tick(),
      );
      // Said again until it is heard, and not once more: there is no such task, so what has arrived is refused, let go
      // of, and would be pulled again.
      await until('the announcement to be heard', 120_000, async () => {
        if (served.asked.size > 0) return true;
        peers[0]!.publish('transactions', announce);
        return pause(1_000);
      });
      await until('the first chunks', 120_000, async () => (asked(true) === COUNT ? true : tick()));
      // What was under way when it was killed: a window for each peer.
      expect(asked(false)).toBeLessThanOrEqual(peers.length * defaultPayloadLimits.chunksPerPeer);
    } finally {
      await Promise.all(peers.map((peer) => peer.stop()));
    }
  }, 900_000);
});

/** Bytes that repeat nowhere, quickly made. */
function noise(seed: number, bytes: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  for (let at = 0; at < words.length; at += 1) words[at] = Math.imul(at + 1, 2_654_435_761) ^ seed;
  return new Uint8Array(words.buffer, 0, bytes);
}

const tick = () => pause(50);

async function pause(ms: number): Promise<null> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return null;
}

/** The other validators, played by this process: they hold the payloads, and keep back each one's first chunk. */
async function playPeers(
  { network }: Hospitals,
  names: readonly string[],
  payloads: readonly Uint8Array[],
  served: { readonly first: boolean; readonly asked: Set<string> },
): Promise<readonly Transport[]> {
  const held = new Map(payloads.map((payload) => [bytesToHex(payloadId(payload)), payload]));
  const responders = new Map([...held].map(([id, payload]) => [id, chunkResponder(payload)]));
  const book = network.file.nodes.map(({ publicKey, p2p }) => ({ key: publicKey, addresses: [p2p] }));
  return Promise.all(
    names.map(async (name) => {
      const node = network.file.nodes.find((other) => other.name === name)!;
      const at = join(network.dir, node.folder);
      const { sign: secret } = readKeystore(join(at, 'keystore.json'), join(at, 'password'));
      const { chainId } = network;
      const transport = createLibp2pTransport({ secret: secret!, chainId, listen: [node.p2p] });
      const serve = async (raw: Uint8Array) => {
        const { id, size, index } = decodeChunkRequest(raw);
        if (index === 0 && !served.first) {
          const bitmap = new Uint8Array(Math.ceil(chunkCount(size) / 8)).fill(255);
          bitmap[0] = 254;
          return partlyResponse(bitmap);
        }
        served.asked.add(`${bytesToHex(id)}/${index}`);
        return responders.get(bytesToHex(id))!(index);
      };
      transport.serve(CHUNK_PROTOCOL, serve, { requestBytesMax: CHUNK_REQUEST_BYTES, concurrentMax: 16 });
      transport.setPeers(book);
      await transport.start();
      return transport;
    }),
  );
}

/** Gossip that announces each payload as an update of a device. */
function announcement({ network }: Hospitals, payloads: readonly Uint8Array[]): Uint8Array {
  const at = join(network.dir, network.file.devices[0]!.folder);
  const { sign: secret } = readKeystore(join(at, 'keystore.json'), join(at, 'password'));
  const from = publicKeyOf(secret!);
  const transactions = payloads.map((payload, nonce) =>
    signTransaction(
      {
        chainId: network.chainId,
        level: 1,
        from,
        nonce,
        contract: 'training',
        method: 'update',
        args: { task: 1, round: 1 },
        payloads: [{ id: payloadId(payload), size: payload.length }],
      },
      secret!,
    ),
  );
  return joinBatch(transactions.map((transaction) => packEnvelope(transaction, () => null)));
}
