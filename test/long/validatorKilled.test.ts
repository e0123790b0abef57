import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { exportChain, verifyExport } from '../../node/export/index.js';
import {
  blockWhere,
  devicesIn,
  type Hospitals,
  impatient,
  level,
  pimaTask,
  provisionHospitals,
  reached,
  roundWhere,
} from '../support/processes.js';

let hospitals: Hospitals | null = null;
afterEach(async () => {
  await hospitals?.close();
  hospitals = null;
});

describe('a validator killed during training', () => {
  it('is not missed, catches up to the same chain, and its devices take part again', async () => {
    hospitals = await provisionHospitals(4, 2, impatient);
    const { clients, network } = hospitals;
    await hospitals.start();
    const devices = network.file.devices.map(({ name }) => name).sort();
    const survivors = devices.filter((name) => !name.startsWith('hospital-4'));

    const first = await hospitals.publish(pimaTask({ devices: 8, quorum: 6, rounds: 40, deadlineMs: 2_000 }));
    const before = await roundWhere(clients[0]!, first, 1, ({ status }) => status === 'closed');
    await hospitals.kill(['hospital-4']);
    const { height: killedAt } = await clients[0]!.call('chain.status', {});
    const after = await roundWhere(
      clients[0]!,
      first,
      before.round + 1,
      ({ status, openedHeight }) => status === 'closed' && openedHeight > killedAt,
    );
    expect(devicesIn(after)).toEqual(survivors);

    await hospitals.start(['hospital-4']);
    await reached(clients[3]!, after.closedHeight);
    // Quorum 8: no round of this task closes unless the devices of the restarted validator take part.
    const task = pimaTask({ devices: 8, quorum: 8, rounds: 2, deadlineMs: 60_000 });
    const second = await hospitals.publish(task);
    for (const round of [1, 2]) {
      const closed = await roundWhere(clients[0]!, second, round, () => true);
      expect(closed.status).toBe('closed');
      expect(devicesIn(closed)).toEqual(devices);
    }

    // It agrees again, and not only listens: the others commit blocks that it leads.
    const { publicKey } = await clients[3]!.call('node.status', {});
    const led = await blockWhere(clients[0]!, after.closedHeight + 1, ({ leader }) => leader === publicKey);
    const height = Math.max(led.height, await level(clients));
    const heads = await Promise.all(clients.map((client) => client.call('chain.block', { height })));
    expect(new Set(heads.map(({ hash }) => hash)).size).toBe(1);

    const file = join(network.dir, 'chain.car');
    await exportChain({ url: clients[3]!.url, file });
    const report = await verifyExport({ file, genesisFile: network.genesisFile });
    expect(report.divergence).toBeNull();
    expect(report.ok).toBe(true);
    expect(report.head.height).toBeGreaterThanOrEqual(height);
  });
});
