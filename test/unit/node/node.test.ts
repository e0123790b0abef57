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
  encodeUpdate,
  parameterCount,
  roundToFine,
  schemaHash,
  toWire,
} from '../../../fl/index.js';
import type { Node } from '../../../node/node.js';
import { taskSpec } from '../../support/chain.js';
import { type Person, sign, startChain, testGenesis, testNetwork, until } from '../../support/network.js';

/** A task for all of them, with time to spare on a slow machine. */
function specFor(devices: number, rounds: number): TaskSpec {
  const quorum = Math.ceil((2 * devices) / 3);
  return taskSpec({ rounds, devicesMax: devices, quorum, enrolMs: 60_000, deadlineMs: 5_000 });
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
    const spec = specFor(devices.length, 3);
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
        const sum = new Float64Array(parameterCount(spec.model)).fill(3);
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
