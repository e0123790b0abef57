import { afterEach, describe, expect, it } from 'vitest';
import { decodeBlock, payloadId } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
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
    // Each node checks 20 large updates before it votes: on a busy machine that takes longer than a local network
    // waits for a block.
    hospitals = await provisionHospitals(4, DEVICES / 4, { deadlineMs: 60_000, deadlineCapMs: 240_000 });
    const { network, names, clients } = hospitals;
    const devices = playDevices(hospitals);
    await hospitals.start();
    // A block that begins before the last nonce is filled takes fewer: then the next round tries again.
    const rounds = 3;
    const task = await hospitals.publish(largeTask(DEVICES, rounds));
    await Promise.all(devices.map((device) => device.enrol(task)));
    await until('the first round', 120_000, async () => (await clients[0]!.call('task.get', { task })).round);

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
