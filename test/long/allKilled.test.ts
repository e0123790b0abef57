import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Block, decodeBlock, fromNode } from '../../chain/index.js';
import { updateArgsCodec } from '../../contracts/index.js';
import { bytesToHex, publicKeyOf } from '../../crypto/index.js';
import { exportChain, verifyExport } from '../../node/export/index.js';
import { readKeystore } from '../../node/provision/index.js';
import { base64ToBytes, type Client, type ResultOf } from '../../node/rpc/index.js';
import {
  blocks,
  devicesIn,
  type Hospitals,
  impatient,
  level,
  pimaTask,
  provisionHospitals,
  roundWhere,
} from '../support/processes.js';

let hospitals: Hospitals | null = null;
afterEach(async () => {
  await hospitals?.close();
  hospitals = null;
});

/** What a device says of itself: its key, its dataset, and what it has spent by its own book. */
function ownBook({ network }: Hospitals, folder: string) {
  const at = join(network.dir, folder);
  const { sign } = readKeystore(join(at, 'keystore.json'), join(at, 'password'));
  const book = JSON.parse(readFileSync(join(at, 'ledger.json'), 'utf8')) as {
    dataset: string;
    rhoSpent: string;
    charges: number;
  };
  return { device: bytesToHex(publicKeyOf(sign!)), ...book };
}

/** The blocks of a node up to a height, decoded. */
async function chainOf(client: Client, to: number): Promise<readonly Block[]> {
  const found: Block[] = [];
  for (let from: number | null = 1; from !== null && from <= to; ) {
    const part: ResultOf<'chain.export'> = await client.call('chain.export', { from, to });
    found.push(...part.blocks.map(({ block }) => decodeBlock(base64ToBytes(block)!)));
    from = part.next;
  }
  return found;
}

/** The payload ids of the updates that were sent for each device, task and round, refused ones included. */
function updatesByRound(chain: readonly Block[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const { from, contract, method, args, payloads } of chain.flatMap(
    ({ transactions }) => transactions,
  )) {
    if (contract !== 'training' || method !== 'update') continue;
    const { task, round } = fromNode(updateArgsCodec, args, 'args');
    const key = `${bytesToHex(from)}/${task}/${round}`;
    found.set(key, (found.get(key) ?? new Set()).add(bytesToHex(payloads[0]!.id)));
  }
  return found;
}

describe('all validators killed at once during training', () => {
  it('go on from the last committed height, on one chain, with no ledger over its cap', async () => {
    hospitals = await provisionHospitals(4, 2, impatient);
    const { clients, network, names } = hospitals;
    await hospitals.start();
    const devices = network.file.devices.map(({ name }) => name).sort();
    const rounds = 60;
    const task = await hospitals.publish(pimaTask({ devices: 8, quorum: 6, rounds, deadlineMs: 10_000 }));
    const before = await roundWhere(clients[0]!, task, 1, ({ status }) => status === 'closed');
    const killedAt = await level(clients);
    const hashes = (await blocks(clients[0]!, 1, killedAt)).map(({ hash }) => hash);
    await hospitals.kill(names);

    await hospitals.start();
    // What was committed stays, at every validator.
    for (const client of clients) {
      expect((await blocks(client, 1, killedAt)).map(({ hash }) => hash)).toEqual(hashes);
    }
    const after = await roundWhere(
      clients[0]!,
      task,
      before.round + 1,
      (round) => round.status === 'closed' && round.openedHeight > killedAt && devicesIn(round).length === 8,
    );
    expect(devicesIn(after)).toEqual(devices);

    const height = await level(clients);
    const [first, ...others] = await Promise.all(clients.map((client) => blocks(client, 1, height)));
    for (const chain of others) {
      expect(chain.map(({ hash }) => hash)).toEqual(first!.map(({ hash }) => hash));
    }
    for (const ids of updatesByRound(await chainOf(clients[0]!, height)).values()) {
      // A round is trained once: what was sent again after the kill is the same bytes.
      expect(ids.size).toBe(1);
    }
    for (const { folder } of network.file.devices) {
      const { device, dataset } = ownBook(hospitals, folder);
      const ledger = await clients[0]!.call('privacy.ledger', { device, dataset });
      expect(BigInt(ledger.rhoSpent)).toBeLessThanOrEqual(BigInt(ledger.rhoCap));
      // The device charges itself before it sends: the chain never knows of more. (Read after the chain's.)
      const own = ownBook(hospitals, folder);
      expect(BigInt(ledger.rhoSpent)).toBeLessThanOrEqual(BigInt(own.rhoSpent));
      expect(ledger.charges).toBeLessThanOrEqual(own.charges);
    }
    const file = join(network.dir, 'chain.car');
    await exportChain({ url: clients[0]!.url, file });
    const report = await verifyExport({ file, genesisFile: network.genesisFile });
    expect(report).toMatchObject({ divergence: null, ok: true });
  });
});
