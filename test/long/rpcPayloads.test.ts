import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeTransaction, limits, payloadId, signTransaction } from '../../chain/index.js';
import { publicKeyOf } from '../../crypto/index.js';
import { readKeystore } from '../../node/provision/index.js';
import { bytesToBase64, type Client } from '../../node/rpc/index.js';
import { nodePid } from '../../node/testnet/index.js';
import { peakMemoryMiB } from '../support/largeUpdates.js';
import { type Hospitals, provisionHospitals } from '../support/processes.js';

const MIB = 1024 * 1024;
/** Of a node with two requests of 32 MiB at once: each costs about four times its payload. */
/** Bodies, their text and the decoded payloads are there at once; how much of it is garbage at the peak is chance. */
const MEMORY_MIB_MAX = 768;

let hospitals: Hospitals;
let client: Client;
let device: Uint8Array;

beforeAll(async () => {
  hospitals = await provisionHospitals(1, 1, { heartbeatMs: 3_600_000 });
  client = hospitals.clients[0]!;
  const folder = join(hospitals.network.dir, hospitals.network.file.devices[0]!.folder);
  device = readKeystore(join(folder, 'keystore.json'), join(folder, 'password')).sign!;
  await hospitals.start();
});

afterAll(() => hospitals.close());

/** An update of so many bytes that the device signed, as a request of tx.submit; `announced` is what it says. */
function submission(bytes: number, announced = bytes) {
  const payload = new Uint8Array(bytes);
  const transaction = signTransaction(
    {
      chainId: hospitals.network.chainId,
      level: 1,
      from: publicKeyOf(device),
      nonce: 0,
      contract: 'training',
      method: 'update',
      args: { task: 1, round: 1 },
      payloads: [{ id: payloadId(payload), size: announced }],
    },
    device,
  );
  return {
    transaction: bytesToBase64(encodeTransaction(transaction)),
    payloads: [bytesToBase64(payload)],
  };
}

const submit = (bytes: number, announced = bytes) =>
  client.call('tx.submit', submission(bytes, announced), { timeoutMs: 120_000 });

describe('a payload handed in by tx.submit', () => {
  it('of the largest size arrives whole: what is refused is the update in it', async () => {
    for (const bytes of [6_653_486, limits.payloadBytesMax]) {
      await expect(submit(bytes)).rejects.toMatchObject({ word: 'refused' });
      // One byte less than it says, and it is not the announced one.
      await expect(submit(bytes - 1, bytes)).rejects.toMatchObject({ word: 'payload-mismatch' });
    }
  });

  it('of a few bytes more is refused as a parameter', async () => {
    await expect(submit(limits.payloadBytesMax + 2, limits.payloadBytesMax)).rejects.toMatchObject({
      word: 'invalid-params',
    });
  });

  it('of 33 MiB is refused as a body, with the bound of a request', async () => {
    await expect(submit(33 * MIB, limits.payloadBytesMax)).rejects.toMatchObject({
      word: 'oversized',
      message: expect.stringMatching(/a request has at most \d+ bytes/),
    });
  });

  it('never takes more memory than is written down, and the node serves on', async () => {
    const results = await Promise.allSettled([
      submit(limits.payloadBytesMax),
      submit(limits.payloadBytesMax),
    ]);
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { word: 'refused' } });
    }
    const peak = peakMemoryMiB(nodePid(hospitals.network, hospitals.names[0]!)!);
    process.stderr.write(`peak memory: ${peak?.toFixed(0)} MiB\n`);
    if (peak !== null) expect(peak).toBeLessThan(MEMORY_MIB_MAX);
    expect(await client.call('chain.status', {})).toMatchObject({ height: expect.any(Number) });
  });
});
