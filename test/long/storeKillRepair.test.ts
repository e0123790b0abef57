import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exitCodes } from '../../node/cli/exitCodes.js';
import type { RepairReport } from '../../node/repair.js';
import { type Hospitals, provisionHospitals, reached } from '../support/processes.js';
import { runCommand as run } from '../support/runCommand.js';

let hospitals: Hospitals;
let folder: string;

/** One validator alone: nobody could give it back what it lost, so it must not lose it in silence. */
beforeAll(async () => {
  hospitals = await provisionHospitals(1, 1, { heartbeatMs: 100 });
  folder = join(hospitals.network.dir, hospitals.network.file.nodes[0]!.folder);
  await hospitals.start();
  await reached(hospitals.clients[0]!, 5);
  await hospitals.kill(hospitals.names);
});

afterAll(() => hospitals.close());

it('a node whose database lost its end refuses to run, is repaired by the command that it names, and runs', async () => {
  const data = join(folder, 'data');
  const log = readdirSync(data).find((name) => name.endsWith('.log'))!;
  truncateSync(join(data, log), Math.floor(statSync(join(data, log)).size * 0.7));
  const refused = await run('node', 'start', '--config', join(folder, 'config.json'));
  expect(refused.code).toBe(exitCodes['bad-folder']);
  expect(refused.errors).toMatch(/are lost.*consilium chain repair/s);

  const repaired = await run('chain', 'repair', folder, '--json');
  expect(repaired.code).toBe(0);
  const report = JSON.parse(repaired.out) as RepairReport;
  expect(report.outcome).toBe('repaired');
  // It voted last at the height after `through`; with no other validator nobody has the heights up to there.
  expect(report.abstention!.through).toBeGreaterThan(report.height);

  // The operator knows that these votes and blocks reached nobody: it may vote again.
  const known = await run('chain', 'repair', folder, '--vote-after', '0');
  expect(known).toMatchObject({ code: 0, out: expect.stringContaining('nothing to repair') });
  await hospitals.start();
  await reached(hospitals.clients[0]!, report.height + 2);
});
