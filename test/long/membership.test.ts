import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeBlock } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { readCar } from '../../node/export/car.js';
import { exportChain, verifyExport } from '../../node/export/index.js';
import { addNode, openNetwork } from '../../node/provision/index.js';
import { createClient, type ResultOf } from '../../node/rpc/index.js';
import { killNodeProcess, startNodeProcess } from '../../node/testnet/index.js';
import {
  type Hospitals,
  impatient,
  level,
  PATIENCE_MS,
  program,
  provisionHospitals,
  reached,
} from '../support/processes.js';
import { runProgram } from '../support/runProgram.js';

const ERA_HEIGHTS = 4;

let hospitals: Hospitals | null = null;
afterEach(async () => {
  if (hospitals !== null) {
    const network = openNetwork(hospitals.network.dir);
    const added = network.file.nodes.slice(hospitals.names.length);
    await Promise.all(added.map(({ name }) => killNodeProcess(network, name)));
  }
  await hospitals?.close();
  hospitals = null;
});

/** Runs the command line as an operator does, and gives what it says as JSON. */
async function consilium(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { out, message } = await runProgram(...args, '--json');
  if (out === '') throw new Error(message);
  return JSON.parse(out);
}

type Validators = ResultOf<'validator.list'>;

describe('validators that come and go', () => {
  it('a fifth joins by vote, follows, votes; another leaves; the chain goes on and holds', async () => {
    hospitals = await provisionHospitals(
      4,
      1,
      { ...impatient, heartbeatMs: 100 },
      { eraHeights: ERA_HEIGHTS },
    );
    const { names, clients, network } = hospitals;
    const { dir, genesisFile } = network;
    const [client] = clients;
    await hospitals.start();
    const added = await addNode(dir);
    await startNodeProcess(added.network, added.name, {
      withParent: true,
      readyTimeoutMs: PATIENCE_MS,
      program,
    });
    const joiner = createClient(added.network.file.nodes.at(-1)!.rpc, { timeoutMs: 30_000 });
    // Nobody has voted it in: it may knock, and hears nothing.
    await reached(client!, ERA_HEIGHTS);
    expect(await joiner.call('node.status', {})).toMatchObject({ height: 0, peers: 0 });

    const votes = [];
    for (const name of names.slice(0, 3)) {
      votes.push(await consilium('validator', 'add', added.name, '--network', dir, '--as', name));
    }
    expect(votes.map(({ inEffect }) => inEffect)).toEqual([false, false, true]);
    const joinsAt = (votes[2]!.era as number) * ERA_HEIGHTS;
    // Let in by all, it follows the chain before it may vote, and says so itself.
    await reached(joiner, votes[2]!.height as number);
    const seen: Validators = await joiner.call('validator.list', {});
    expect(seen.validators.find(({ publicKey }) => publicKey === added.publicKey)).toMatchObject({
      name: added.name,
      seat: 'held',
    });
    await reached(joiner, joinsAt + 2);
    const five = await joiner.call('chain.status', {});
    expect(five.committee).toHaveLength(5);
    expect(five.committee).toContain(added.publicKey);

    // Its votes count: five need four, and with hospital-2 stopped the chain stands on its vote.
    await hospitals.stop(['hospital-2']);
    const { height: stoppedAt } = await client!.call('chain.status', {});
    await reached(client!, stoppedAt + 4);
    await hospitals.start(['hospital-2']);
    await reached(hospitals.client('hospital-2'), stoppedAt + 4);

    const leaver = 'hospital-1';
    const voters = [...names.slice(1), added.name];
    const removals = [];
    for (const name of voters) {
      removals.push(await consilium('validator', 'remove', leaver, '--network', dir, '--as', name));
    }
    expect(removals.map(({ inEffect }) => inEffect)).toEqual([false, false, false, true]);
    const leavesAt = (removals[3]!.era as number) * ERA_HEIGHTS;
    await reached(joiner, leavesAt + 2);
    const four = await joiner.call('chain.status', {});
    expect(four.committee).toHaveLength(4);
    const { publicKey: left } = await hospitals.client(leaver).call('node.status', {});
    expect(four.committee).not.toContain(left);
    // Its seat is gone, and it still follows.
    await reached(hospitals.client(leaver), leavesAt + 2);
    await hospitals.stop([leaver]);
    const others = [...clients.slice(1), joiner];
    const height = await level(others);
    await Promise.all(others.map((each) => reached(each, height + 4)));

    const file = join(dir, 'chain.car');
    await exportChain({ url: joiner.url, file });
    const report = await verifyExport({ file, genesisFile });
    expect(report.divergence).toBeNull();
    expect(report.head.height).toBeGreaterThanOrEqual(height + 4);
    const voted = await parentVoters(file);
    const heightsOf = (publicKey: string) =>
      [...voted].filter(([, keys]) => keys.has(publicKey)).map(([at]) => at);
    expect(Math.min(...heightsOf(added.publicKey))).toBeGreaterThanOrEqual(joinsAt);
    expect(heightsOf(added.publicKey).length).toBeGreaterThan(3);
    expect(Math.max(...heightsOf(left))).toBeLessThan(leavesAt);
  }, 300_000);
});

/** Whose cert votes for a height the chain carries, by height. */
async function parentVoters(file: string): Promise<ReadonlyMap<number, ReadonlySet<string>>> {
  const found = new Map<number, ReadonlySet<string>>();
  for await (const { block } of readCar(file)) {
    const { header, parentVotes } = decodeBlock(block);
    found.set(header.height - 1, new Set(parentVotes.map(({ voter }) => bytesToHex(voter))));
  }
  return found;
}
