import { afterEach, describe, expect, it } from 'vitest';
import { readState } from '../../../chain/index.js';
import {
  closedRoundCell,
  gridOf,
  ledgerCell,
  modelCell,
  roundCell,
  type TaskSpec,
  taskCell,
} from '../../../contracts/index.js';
import { bytesToHex, drbg, utf8ToBytes } from '../../../crypto/index.js';
import {
  addNoise,
  calibrateSigma16,
  encodeUpdate,
  fixedClipping,
  numberFeature,
  oneStep,
  parameterCount,
  roundToFine,
  schemaHash,
  toWire,
} from '../../../fl/index.js';
import type { Node } from '../../../node/node.js';
import { type Person, sign, startChain, testGenesis, testNetwork, until } from '../../support/network.js';

const model = { inputs: 2, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] } as const;
const feature = (name: string) =>
  numberFeature({
    name,
    centerMicro: 0,
    scaleMicro: 1_000_000,
    minMicro: -5_000_000,
    maxMicro: 5_000_000,
    source: 'a test',
  });

function taskSpec(devices: number, rounds: number): TaskSpec {
  const privacy = { epsilonMicro: 3_000_000, deltaPico: 100_000_000 };
  return {
    title: 'a test',
    level: 1,
    model,
    weightsSeed: new Uint8Array(32),
    schema: {
      features: [feature('a'), feature('b')],
      label: { name: 'y', classes: ['0', '1'], weights16: [] },
      subject: null,
      site: null,
    },
    publicData: false,
    learningRate16: 65_536,
    rounds,
    privacy: {
      unit: 'record',
      ...privacy,
      sigma16: calibrateSigma16({ ...privacy, rounds }),
      clip16: 65_536,
    },
    verification: { rule: 'alignment', front: 'none', faulty: 0, reputation: 'absolute' },
    aggregation: 'mean',
    server: { step: 'fedavg', momentum16: 0, secondMoment16: 0, adaptivity16: 1 },
    clipping: fixedClipping,
    local: oneStep,
    devicesMax: devices,
    quorum: Math.ceil((2 * devices) / 3),
    enrolMs: 60_000,
    deadlineMs: 5_000,
    deadlineBlocks: 2,
    auditHeights: 100_000,
    reward: 0,
  };
}

let close: (() => Promise<void>) | null = null;
afterEach(async () => {
  await close?.();
  close = null;
});

async function send(node: Node, from: Person, call: Parameters<typeof sign>[2], payloads: Uint8Array[] = []) {
  const submitted = await node.submit(sign(node, from, call, payloads), payloads);
  expect(submitted).toMatchObject({ ok: true });
}

describe('four nodes', () => {
  it('agree on a task from its publication to the last round, to the bit', async () => {
    const { genesis, validators, devices, publisher } = testGenesis(4, 1);
    const chain = startChain(genesis);
    const network = await testNetwork(chain, validators);
    close = network.close;
    const { nodes } = network;
    const first = nodes[0]!;
    const spec = taskSpec(devices.length, 3);
    await send(first, publisher, { contract: 'tasks', method: 'publish', level: 1, args: { spec } });
    await until(first, () => taskCell.get(readState(first.tip.state), 1) !== null);

    const dataset = new Uint8Array(32).fill(7);
    for (const [i, device] of devices.entries()) {
      const node = nodes[i]!;
      await until(node, () => taskCell.get(readState(node.tip.state), 1) !== null);
      const { epsilonMicro, deltaPico } = spec.privacy;
      const args = { dataset, unit: 'record', epsilonMicro, deltaPico, order: null };
      await send(node, device, { contract: 'privacy', method: 'declare', level: 0, args });
      const id = bytesToHex(device.publicKey);
      await until(node, () => ledgerCell.get(readState(node.tip.state), id, bytesToHex(dataset)) !== null);
      const terms = { task: 1, units: 10, dataset, schemaHash: schemaHash(spec.schema) };
      const approval = node.approve({ ...terms, device: device.publicKey })!;
      await send(node, device, {
        contract: 'tasks',
        method: 'apply',
        level: 1,
        args: { ...terms, approval },
      });
    }

    const random = drbg(utf8ToBytes('noise of the test'));
    const sent: Uint8Array[] = [];
    for (let round = 1; round <= spec.rounds; round += 1) {
      for (const [i, device] of devices.entries()) {
        const node = nodes[i]!;
        await until(node, () => roundCell.get(readState(node.tip.state), 1)?.round === round);
        const grid = gridOf(taskCell.get(readState(node.tip.state), 1)!);
        const sum = new Float64Array(parameterCount(model)).fill(3);
        const update = encodeUpdate(toWire(addNoise(roundToFine(sum, grid), grid, random), grid), grid);
        const call = { contract: 'training', method: 'update', level: 1, args: { task: 1, round } };
        await send(node, device, call, [update]);
        sent.push(update);
      }
    }
    for (const node of nodes) {
      await until(node, () => taskCell.get(readState(node.tip.state), 1)?.status === 'done');
    }
    // A device that restarts sends its last update again: told at once, and at no block's cost.
    const [update] = sent.slice(-devices.length);
    const again = { contract: 'training', method: 'update', level: 1, args: { task: 1, round: spec.rounds } };
    expect(await first.submit(sign(first, devices[0]!, again, [update!]), [update!])).toMatchObject({
      ok: false,
      code: 'refused',
      detail: expect.stringContaining('in a block already'),
    });
    expect(network.failures).toEqual([]);
    const state = readState(first.tip.state);
    expect([1, 2, 3].map((round) => closedRoundCell.get(state, 1, round)?.status)).toEqual([
      'closed',
      'closed',
      'closed',
    ]);
    const models = nodes.map((node) => bytesToHex(modelCell.get(readState(node.tip.state), 1)!.id));
    expect(new Set(models).size).toBe(1);
    for (const device of devices) {
      const ledger = ledgerCell.get(state, bytesToHex(device.publicKey), bytesToHex(dataset))!;
      expect(ledger.charges).toBe(3);
      expect(ledger.rhoSpent <= ledger.rhoCap).toBe(true);
    }
  });
});
