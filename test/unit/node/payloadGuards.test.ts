import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { emptyTree, PAYLOAD_CHUNK_BYTES, payloadId } from '../../../chain/index.js';
import { bytesToHex, sha256 } from '../../../crypto/index.js';
import {
  createMemoryNetwork,
  createPayloadExchange,
  type PartialPayload,
  type PartialPayloads,
} from '../../../net/index.js';
import { openPartials } from '../../../node/partials.js';
import { openStore } from '../../../node/store/index.js';
import { introduce, tempFolder } from '../../support/network.js';

const close: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const each of close.splice(0).reverse()) await each();
});

const payload = Uint8Array.from(
  { length: 3 * PAYLOAD_CHUNK_BYTES + 9 },
  (_, at) => (at * 7 + (at >> 16)) % 256,
);
const id = payloadId(payload);

/** Payloads on a disk that alters one bit of what is read back, as often as it is told to. */
function alteringDisk(partials: PartialPayloads, times: number): PartialPayloads {
  let left = times;
  const altering = (partial: PartialPayload): PartialPayload => ({
    ...partial,
    gather: async (parts) => {
      await partial.gather(parts);
      if (left === 0) return;
      left -= 1;
      parts[1]!.into[100]! ^= 1;
    },
  });
  return { open: async (name, size) => altering(await partials.open(name, size)) };
}

/** A node with a real store and real files, and a peer that holds the payload. */
async function setUp(alterations: number) {
  const folder = await tempFolder();
  close.push(folder.remove);
  const chainId = sha256(new Uint8Array(1));
  const store = await openStore({
    path: join(folder.path, 'chain'),
    chainId,
    genesisState: emptyTree,
    create: true,
  });
  close.push(() => store.close());
  const files = join(folder.path, 'partial');
  const partials = alteringDisk(await openPartials(files, () => false), alterations);
  const network = createMemoryNetwork();
  const [node, peer] = [1, 2].map((byte) => network.transport(sha256(Uint8Array.of(byte)))) as [
    ReturnType<typeof network.transport>,
    ReturnType<typeof network.transport>,
  ];
  for (const transport of [node, peer]) {
    await transport.start();
    close.push(() => transport.stop());
  }
  introduce([node, peer]);
  const held = new Map([[bytesToHex(id), payload]]);
  createPayloadExchange({
    transport: peer,
    store: {
      has: (asked) => held.has(bytesToHex(asked)),
      get: (asked) => held.get(bytesToHex(asked)) ?? null,
      put: async () => {},
    },
  });
  const exchange = createPayloadExchange({
    transport: node,
    partials,
    store: {
      has: (asked) => store.hasPayload(asked),
      get: (asked) => store.payload(asked),
      put: (asked, bytes) => store.putPayload(asked, bytes),
    },
  });
  const fetch = () => exchange.fetch(id, payload.length, [peer.self]);
  return { store, fetch, files };
}

describe('a payload that was pulled and proved', () => {
  it('is held, and its file is gone', async () => {
    const { store, fetch, files } = await setUp(0);
    await fetch();
    expect(Buffer.compare(store.payload(id)!, payload)).toBe(0);
    expect(readdirSync(files)).toEqual([]);
  });

  it('and that the disk altered since is not stored; it is pulled anew', async () => {
    const { store, fetch, files } = await setUp(1);
    await expect(fetch()).rejects.toMatchObject({ code: 'wrong-payload' });
    expect(store.hasPayload(id)).toBe(false);
    expect(readdirSync(files)).toEqual([]);
    await fetch();
    expect(Buffer.compare(store.payload(id)!, payload)).toBe(0);
  });
});
