import { afterEach, describe, expect, it } from 'vitest';
import { nextCommittee } from '../../consensus/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { startChain } from '../../genesis/index.js';
import { publisherKey } from '../../node/cli/publisherKey.js';
import { taskSpecOf } from '../../node/cli/taskFile.js';
import { readGenesis } from '../../node/provision/index.js';
import { createWallet } from '../../node/rpc/index.js';
import {
  blocks,
  blockWhere,
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

const HEARTBEAT_MS = 600;
/** The dead leads one height in four: so many in a row are no chance (4^-10). */
const EMPTY_RUN_MAX = 10;

function longestRun(flags: readonly boolean[]): number {
  let longest = 0;
  let run = 0;
  for (const flag of flags) {
    run = flag ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}

describe('a validator that is dead for good', () => {
  it('stops neither an idle chain nor a busy one, and brings no stream of empty blocks', async () => {
    hospitals = await provisionHospitals(4, 1, { ...impatient, heartbeatMs: HEARTBEAT_MS });
    await hospitals.start();
    const clients = hospitals.clients.slice(0, 3);
    const [client] = clients;
    const { publicKey: dead } = await hospitals.clients[3]!.call('node.status', {});
    await hospitals.kill(['hospital-4']);

    // Idle: on past a height that the dead was to lead, and no faster than the heartbeat.
    const { height: from } = await client!.call('chain.status', {});
    const begun = performance.now();
    const empty = await blockWhere(client!, from + 1, (block) => block.empty);
    const idle = await blockWhere(client!, Math.max(empty.height + 1, from + 4), (block) => !block.empty);
    const idleHeights = idle.height - from;
    // One height may have been under way; a timer fires a little early where clocks are coarse.
    expect(performance.now() - begun).toBeGreaterThan((idleHeights - 1) * HEARTBEAT_MS * 0.9);

    // Busy: the rounds of the living go on.
    const rounds = 4;
    const task = await hospitals.publish(pimaTask({ devices: 3, quorum: 2, rounds, deadlineMs: 5_000 }));
    const last = await roundWhere(client!, task, rounds, () => true);
    const busy = await blocks(client!, idle.height + 1, last.closedHeight);
    expect(busy.some(({ transactions }) => transactions.length > 0)).toBe(true);
    expect(longestRun(busy.map((block) => block.empty))).toBeLessThan(EMPTY_RUN_MAX);
    for (const { leader } of busy) expect(leader).not.toBe(dead);

    // Quiet again: the work of the task does not leave a chain that spins.
    const quietFrom = await level(clients);
    const quietBegun = performance.now();
    await reached(client!, quietFrom + 3);
    expect(performance.now() - quietBegun).toBeGreaterThan(2 * HEARTBEAT_MS * 0.9);

    const height = await level(clients);
    const hashes = await Promise.all(clients.map((each) => each.call('chain.block', { height })));
    expect(new Set(hashes.map(({ hash }) => hash)).size).toBe(1);
  });
});

describe('a transaction that only one validator has', () => {
  it('reaches the others when they come back, and need not wait for that one to lead', async () => {
    // With this heartbeat nothing but the transaction can wake the chain.
    hospitals = await provisionHospitals(4, 1, { ...impatient, heartbeatMs: 3_600_000 });
    const { network, names, clients } = hospitals;
    const { rules, tip } = startChain(readGenesis(network.genesisFile));
    const leader = bytesToHex(nextCommittee(rules, tip)[0]!.publicKey);
    const lonely = network.file.nodes.findIndex(({ publicKey }) => publicKey !== leader);
    const client = clients[lonely]!;
    await hospitals.start([names[lonely]!]);
    const secret = publisherKey(network);
    const wallet = createWallet({ client, chainId: network.chainId, secret });
    const spec = taskSpecOf(pimaTask({ devices: 4, quorum: 4, rounds: 1 }));
    const hash = await wallet.send({
      contract: 'tasks',
      method: 'publish',
      level: spec.level,
      args: { spec },
    });

    await hospitals.start(names.filter((name) => name !== names[lonely]));
    expect(await wallet.wait(hash, 30_000)).toMatchObject({ status: 'committed', ok: true });
  });
});
