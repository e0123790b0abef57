import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { exportChain, verifyExport } from '../../node/export/index.js';
import {
  closedRounds,
  type Hospitals,
  level,
  PATIENCE_MS,
  pimaTask,
  provisionHospitals,
} from '../support/processes.js';
import { runProgram } from '../support/runProgram.js';

let hospitals: Hospitals | null = null;
afterEach(async () => {
  await hospitals?.close();
  hospitals = null;
});

/** A command on this network; its JSON, or why it failed. */
async function told(network: string, ...args: string[]) {
  const { exit, out, message } = await runProgram('--json', ...args, '--network', network);
  if (exit !== 'ok') throw new Error(`${args.join(' ')}: ${exit}: ${message}`);
  return JSON.parse(out);
}

describe('a network whose publisher plans evaluations', () => {
  it(
    'holds rows out, counts them with noise at its devices, charges for it, keeps the claim, and replays',
    async () => {
      hospitals = await provisionHospitals(4, 1);
      const { network, clients } = hospitals;
      const { dir } = network;
      const at = (name: string) => join(dir, name);
      const testSet = at(join('publisher', 'test.csv'));
      await hospitals.start();
      const task = pimaTask({ devices: 4, quorum: 3, rounds: 4, enrolMs: 60_000, deadlineMs: 20_000 });
      writeFileSync(at('task.json'), JSON.stringify(task));
      const budget = ['--held-out', '0.25', '--epsilon', '2', '--delta', '0.0001'];
      const commitment = ['--test-set', testSet, '--salt', at('salt.txt')];
      await told(dir, 'evaluation', 'plan', at('task.json'), ...budget, ...commitment);
      expect((await told(dir, 'task', 'publish', at('task.json'))).task).toBe(1);
      await closedRounds(clients[0]!, 1, 4);

      // A quarter of each device's rows did not train.
      const { enrolled } = await clients[0]!.call('task.get', { task: 1 });
      const rows = network.file.devices.map(
        ({ folder }) =>
          readFileSync(join(dir, folder, 'data.csv'), 'utf8')
            .trim()
            .split('\n').length - 1,
      );
      const units = rows.map((count) => count - Math.floor(count / 4));
      expect(enrolled.map((entry) => entry.units).sort()).toEqual(units.sort());
      const heldOut = rows.reduce((sum, count) => sum + Math.floor(count / 4), 0);
      const chargesOf = async () => {
        const ledgers = enrolled.map(({ device, dataset }) =>
          clients[0]!.call('privacy.ledger', { device, dataset }),
        );
        return (await Promise.all(ledgers)).map(({ charges }) => charges);
      };
      expect(await chargesOf()).toEqual([4, 4, 4, 4]);

      const opened = await told(dir, 'evaluation', 'open', '1', '--quorum', '4', '--deadline-ms', '120000');
      expect(opened).toMatchObject({ evaluation: 1, round: 4 });
      const { status, report, sum, answered } = await told(dir, 'evaluation', 'result', '1', '--wait');
      expect([status, answered.length]).toEqual(['closed', 4]);
      expect(sum.negatives.length).toBe(20);
      // 40 counts, each with the noise of four devices: within eight standard deviations.
      expect(Math.abs(report.rows - heldOut)).toBeLessThan(8 * Math.sqrt(40 * 4) * opened.sigma);
      // 0.5 to 1 holds what logistic regression does on Pima, about 0.82.
      expect(report.measures.auroc.high).toBeGreaterThan(0.7);
      expect(await chargesOf()).toEqual([5, 5, 5, 5]);
      // The plan's budget was for one at this noise.
      await expect(told(dir, 'evaluation', 'open', '1')).rejects.toThrow(/overdraws/);

      const claim = ['--data', testSet, '--salt', at('salt.txt')];
      const claimed = await told(dir, 'evaluation', 'claim', '1', ...claim);
      expect(claimed.measures.auroc).toBeGreaterThan(600_000);
      expect(await told(dir, 'evaluation', 'check', '1', ...claim)).toMatchObject({ holds: true });
      await expect(told(dir, 'evaluation', 'claim', '1', ...claim)).rejects.toThrow(/already-claimed/);
      const [header, ...lines] = readFileSync(testSet, 'utf8').trim().split('\n');
      writeFileSync(at('luckier.csv'), `${[header, ...lines.slice(1)].join('\n')}\n`);
      const other = ['--data', at('luckier.csv'), '--salt', at('salt.txt')];
      await expect(told(dir, 'evaluation', 'check', '1', ...other)).rejects.toThrow(/not the test set/);

      await level(clients);
      const car = at('chain.car');
      await exportChain({ url: clients[0]!.url, file: car });
      expect((await verifyExport({ file: car, genesisFile: network.genesisFile })).ok).toBe(true);
    },
    3 * PATIENCE_MS,
  );
});
