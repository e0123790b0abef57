import { afterEach, describe, expect, it } from 'vitest';
import { payloadId, type Transaction, transactionHash } from '../../../chain/index.js';
import { measureOf } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { createMemoryNetwork, createPayloadExchange, joinBatch, type Transport } from '../../../net/index.js';
import { packEnvelope } from '../../../node/envelope.js';
import { Intake } from '../../../node/intake.js';
import { createMeasured } from '../../../node/measured.js';
import { createTestChain, publicTask, startTask, updateBytes } from '../../support/chain.js';
import {
  eventually,
  introduce,
  openNode,
  type Person,
  sign,
  tempFolder,
  writeChain,
} from '../../support/network.js';

let close: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const each of close.splice(0).reverse()) await each();
  close = [];
});

/** A node at the open first round of a task, and a peer of it with nothing behind. Every penalty is final. */
async function nodeAndPeer() {
  const test = createTestChain();
  startTask(test, publicTask());
  const folder = await tempFolder();
  close.push(folder.remove);
  await writeChain(test, folder.path);
  const errors: string[] = [];
  const memory = createMemoryNetwork({
    limits: { penaltyPointsMax: 10, penaltyDecayPerSecond: 0, banMs: 3_600_000 },
    onError: (error) => void errors.push(error.message),
  });
  const [, who, other] = test.validators;
  const found = await openNode({
    chain: test.chain,
    who: who!,
    path: folder.path,
    transport: memory.transport(who!.secret),
  });
  close.push(() => found.node.close());
  await found.node.start();
  const peer = memory.transport(other!.secret);
  await peer.start();
  close.push(() => peer.stop());
  introduce([found.transport, peer]);
  await eventually('the link', () => found.transport.connectedPeers().length === 1);
  const [device, ...others] = test.devices as [Person, ...Person[]];
  const payload = updateBytes(test, device, 1);
  const call = { contract: 'training', method: 'update', level: 1, args: { task: 1, round: 1 } };
  return { found, peer, errors, payload, others, update: sign(found.node, device, call, [payload]) };
}

const gossip = (peer: Transport, transaction: Transaction, carried: Uint8Array): void =>
  peer.publish('transactions', joinBatch([packEnvelope(transaction, () => carried)]));

describe('a gossiped transaction', () => {
  it('that carries its payload needs no pull: held on disk, and in the mempool', async () => {
    const { found, peer, payload, update, errors } = await nodeAndPeer();
    gossip(peer, update, payload); // the peer serves no payloads
    await eventually('the update', () => found.node.mempool.size === 1);
    const held = found.store.payload(payloadId(payload));
    expect(held && bytesToHex(held)).toBe(bytesToHex(payload));
    expect(errors).toEqual([]);
    expect(found.failures).toEqual([]);
  });

  it('that is handed in or carried is measured once: what was found goes with the bytes that the store reads', async () => {
    const { found, payload, update, others } = await nodeAndPeer();
    const measured = createMeasured(found.store);
    const transport = createMemoryNetwork().transport(others[0]!.secret);
    await transport.start();
    close.push(() => transport.stop());
    const { store, node } = found;
    const intake = new Intake({
      chainId: node.tip.chainId,
      tip: () => node.tip,
      store,
      measured,
      transport,
      payloads: createPayloadExchange({
        transport,
        store: { has: () => false, get: () => null, put: async () => {} },
      }),
      log: () => {},
      onRefused: () => undefined,
      onWaiting: () => {},
    });
    close.push(async () => intake.close());
    expect(await intake.submit(update, [payload])).toMatchObject({ ok: true });
    const known = measureOf(payload);
    expect(known).not.toBe(null);
    const read = measured.payload(payloadId(payload))!;
    expect(read).not.toBe(payload);
    expect(measureOf(read)).toBe(known);
  });

  it('that carries another payload than it announces costs its deliverer, and is not taken', async () => {
    const { found, peer, payload, update, errors } = await nodeAndPeer();
    const other = payload.map((byte) => byte ^ 1);
    gossip(peer, update, other);
    await eventually('the penalty', () => found.transport.connectedPeers().length === 0);
    expect(errors.some((error) => error.includes('wrong payload carried'))).toBe(true);
    expect(found.node.mempool.size).toBe(0);
    expect(found.store.hasPayload(payloadId(other))).toBe(false);
    expect(found.failures).toEqual([]);
  });

  it('that only this state refuses costs nothing', async () => {
    const { found, peer, update, payload, errors, others } = await nodeAndPeer();
    const { contract, method, level } = update;
    const args = { task: 9, round: 1 };
    const stranger = sign(found.node, others[0]!, { contract, method, level, args }, [payload]);
    gossip(peer, stranger, payload);
    gossip(peer, update, payload);
    await eventually('the update behind it', () => found.node.mempool.size === 1);
    expect(found.node.pending(transactionHash(stranger))).toBe(false);
    expect(errors).toEqual([]);
    expect(found.transport.connectedPeers()).toHaveLength(1);
  });
});
