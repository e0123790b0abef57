import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { publisherKey } from '../../node/cli/publisherKey.js';
import { taskSpecOf } from '../../node/cli/taskFile.js';
import { readDeviceConfig } from '../../node/config.js';
import { exportChain, verifyExport } from '../../node/export/index.js';
import { createWallet } from '../../node/rpc/index.js';
import { readNodeConfig } from '../../node/settings/index.js';
import {
  closedRounds,
  type Hospitals,
  level,
  PATIENCE_MS,
  pimaTask,
  provisionHospitals,
  type RoundForm,
} from '../support/processes.js';

/** Enough that a leader drawn from four leads at a closing: it does not in one run of 10¹⁰. */
const ROUNDS = 80;

/** A second task beside it, with a rule of every kind that keeps something between rounds. */
const otherRules = pimaTask({
  devices: 12,
  quorum: 8,
  rounds: 3,
  faulty: 3,
  verification: 'multi-krum',
  front: 'nearest-neighbour-mixing',
  aggregation: 'centred-clipping',
  server: { step: 'fedadam', momentum: 0.9, secondMoment: 0.99, adaptivity: 0.01 },
  local: { step: 'scaffold', steps: 2, learningRate: 0.5 },
  deadlineMs: 10_000,
});

let hospitals: Hospitals | null = null;
afterEach(async () => {
  await hospitals?.close();
  hospitals = null;
});

/** Sets this attack up in a device that was provisioned honest, beside its accomplices. */
function corrupt({ network }: Hospitals, devices: readonly number[]): string[] {
  const folders = devices.map((index) => join(network.dir, network.file.devices[index]!.folder));
  for (const folder of folders) {
    const file = join(folder, 'device.json');
    const config = JSON.parse(readFileSync(file, 'utf8'));
    const accomplices = folders.filter((other) => other !== folder);
    writeFileSync(file, JSON.stringify({ ...config, attack: 'ipm', accomplices }));
  }
  return folders.map((folder) => readDeviceConfig(folder).name);
}

/** The rounds whose verdict the dishonest validator has proposed a false one for. */
function liesOf({ network, names }: Hospitals, task: number): number[] {
  const liar = names.find(
    (name) => readNodeConfig(join(network.dir, 'nodes', name, 'config.json')).attack !== null,
  )!;
  const log = readFileSync(join(network.dir, 'nodes', liar, 'node.log'), 'utf8');
  return log
    .split('\n')
    .filter((line) => line.includes('"false-verdict"'))
    .flatMap((line) => JSON.parse(line).closings as string[])
    .map((id) => id.split('/').map(Number))
    .filter(([of]) => of === task)
    .map(([, round]) => round!);
}

describe('a network with a dishonest validator, three colluding devices and a crafty publisher', () => {
  it(
    'refuses false verdicts, crafted models and the poisoners, and its chain replays',
    async () => {
      hospitals = await provisionHospitals(
        4,
        3,
        {},
        {},
        { name: 'colluding-verifiers', share: 0.25, fromRound: 1 },
      );
      const colluders = corrupt(hospitals, [1, 5, 9]);
      const { clients, network } = hospitals;
      await hospitals.start();
      const [client] = clients;
      const file = pimaTask({
        devices: 12,
        quorum: 8,
        rounds: ROUNDS,
        privacy: null,
        publicData: true,
        faulty: 3,
      });
      await refuseCrafted(hospitals, file);
      const task = await hospitals.publish({ ...file, deadlineMs: 10_000 });
      const other = await hospitals.publish(otherRules);

      const rounds: RoundForm[] = [];
      const found = () =>
        colluders.filter((name) =>
          rounds.some(({ verdicts }) =>
            verdicts.some((verdict) => verdict.name === name && verdict.blacklisted),
          ),
        );
      while (
        found().length < colluders.length ||
        liesOf(hospitals, task).every((round) => round > rounds.length)
      )
        rounds.push(...(await closedRounds(client!, task, rounds.length + 1)));

      // Nobody honest was refused, whatever the liar proposed.
      for (const { verdicts } of rounds)
        for (const { name, qualified } of verdicts)
          expect(qualified || colluders.includes(name), name).toBe(true);
      // Where it led a closing, its block was refused: the height's block is the empty one.
      const refused = liesOf(hospitals, task).filter((round) => round <= rounds.length);
      for (const round of refused) {
        const { closedHeight } = rounds[round - 1]!;
        expect((await client!.call('chain.block', { height: closedHeight })).empty).toBe(true);
      }
      const learned = await closedRounds(client!, other, otherRules.rounds);
      expect(learned[0]!.verdicts.filter(({ qualified }) => qualified).length).toBeGreaterThan(5);
      await level(clients);
      const models = await Promise.all(
        clients.map(async (each) => (await closedRounds(each, task, rounds.length))[0]!.weights.id),
      );
      expect(new Set(models).size).toBe(1);
      const car = join(network.dir, 'chain.car');
      await exportChain({ url: client!.url, file: car });
      expect((await verifyExport({ file: car, genesisFile: network.genesisFile })).ok).toBe(true);
    },
    2 * PATIENCE_MS,
  );
});

/** Given initial weights, and a layer that nobody knows: both are refused with a receipt that says so. */
async function refuseCrafted(
  { network, clients }: Hospitals,
  file: Parameters<typeof taskSpecOf>[0],
): Promise<void> {
  const spec = taskSpecOf(file);
  const wallet = createWallet({
    client: clients[0]!,
    chainId: network.chainId,
    secret: publisherKey(network),
  });
  const crafted = [
    { ...spec, weights: new Uint8Array(36) },
    { ...spec, model: { ...spec.model, layers: [{ kind: 'lambda', units: 1, activation: 'linear' }] } },
    { ...spec, model: { ...spec.model, initial: new Uint8Array(36) } },
  ];
  for (const one of crafted) {
    const call = {
      contract: 'tasks',
      method: 'publish',
      level: spec.level,
      args: { spec: one },
      payloads: [],
    };
    const done = await wallet.wait(await wallet.send(call), PATIENCE_MS);
    expect(done).toMatchObject({ status: 'committed', ok: false, code: 'malformed-args' });
  }
}
