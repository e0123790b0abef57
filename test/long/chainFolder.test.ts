import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exitCodes } from '../../node/cli/exitCodes.js';
import { type Hospitals, provisionHospitals, reached } from '../support/processes.js';
import { runCommand as run } from '../support/runCommand.js';

let hospitals: Hospitals;
let folder: string;

/** One validator alone, which goes on making blocks. */
beforeAll(async () => {
  hospitals = await provisionHospitals(1, 1, { heartbeatMs: 100 });
  folder = join(hospitals.network.dir, hospitals.network.file.nodes[0]!.folder);
  await hospitals.start();
  await reached(hospitals.clients[0]!, 5);
});

afterAll(() => hospitals.close());

it('a node is backed up while it goes on, and a node started from the backup has that chain and does not vote', async () => {
  const client = hospitals.clients[0]!;
  const to = join(hospitals.network.dir, 'backups', 'first');
  const { height: before } = await client.call('chain.status', {});
  const backup = await run('chain', 'backup', folder, to, '--json');
  expect(backup).toMatchObject({ code: 0, errors: '' });
  const report = JSON.parse(backup.out) as { height: number; hash: string; folder: string; bytes: number };
  expect(report).toMatchObject({ folder: to, bytes: expect.any(Number) });
  expect(report.height).toBeGreaterThanOrEqual(before);
  expect(await client.call('chain.block', { height: report.height })).toMatchObject({ hash: report.hash });
  expect(existsSync(join(folder, 'data.backing-up'))).toBe(false);
  await reached(client, report.height + 3);

  const again = await run('chain', 'backup', folder, to);
  expect(again.code).toBe(exitCodes['bad-folder']);
  expect(again.errors).toContain('does not exist yet');

  await hospitals.stop(hospitals.names);
  renameSync(join(folder, 'data'), join(folder, 'data.lost'));
  renameSync(to, join(folder, 'data'));
  await hospitals.start();
  expect(await client.call('chain.status', {})).toMatchObject({ height: report.height, hash: report.hash });
  await hospitals.stop(hospitals.names);
  // A node of its own folder stands beside the network: the operator says that these votes reached nobody.
  const known = await run('chain', 'repair', folder, '--vote-after', '0', '--json');
  expect(JSON.parse(known.out)).toMatchObject({ outcome: 'whole', height: report.height });
  await hospitals.start();
  await reached(client, report.height + 2);
});

it('a folder is backed up and compacted while its node is stopped, and compacted only then', async () => {
  const running = await run('chain', 'compact', folder);
  expect(running.code).toBe(exitCodes['bad-folder']);
  expect(running.errors).toContain('in use by another process');
  await hospitals.stop(hospitals.names);
  const compacted = await run('chain', 'compact', folder, '--json');
  expect(compacted).toMatchObject({ code: 0, errors: '' });
  const { height, before, after } = JSON.parse(compacted.out) as Record<string, number>;
  expect(after).toBeGreaterThan(0);
  expect(after).toBeLessThanOrEqual(before!);
  const to = join(hospitals.network.dir, 'second');
  const backup = await run('chain', 'backup', folder, to);
  expect(backup).toMatchObject({ code: 0, out: expect.stringContaining(`up to height ${height}`) });
  rmSync(to, { recursive: true });
  await hospitals.start();
  await reached(hospitals.clients[0]!, height! + 1);
});
