import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RepairReport, repairChain } from '../../../node/repair.js';
import { openDatabase, write } from '../../../node/store/database.js';
import { key } from '../../../node/store/entries.js';
import { journalPath } from '../../../node/store/journal.js';
import { indexName } from '../../../node/store/placeIndex.js';
import { eventually, type Mortal, mortalNetwork } from '../../support/mortalNetwork.js';

let network: Awaited<ReturnType<typeof mortalNetwork>>;
/** Heights at which a node sent own votes, since its last start. */
const voted = new Map<string, number[]>();
let victim: Mortal;

beforeAll(async () => {
  network = await mortalNetwork({
    wrap: (store) => store,
    onOwnVote: ({ name }, { height }) => voted.set(name, [...(voted.get(name) ?? []), height]),
  });
  victim = network.mortals[3]!;
}, 60_000);

afterAll(() => network.close());

function repair(options: { votesLost?: boolean; voteAfter?: number } = {}): Promise<RepairReport> {
  const { votesLost = false, voteAfter = null } = options;
  return repairChain({ chain: network.chain, path: victim.path, votesLost, voteAfter });
}

/** Lets the network come some heights further, then kills the victim: it has voted at the height after its head. */
async function killVoter(): Promise<number> {
  const { height } = victim.store.head;
  await eventually('some heights', () => victim.store.head.height >= height + 4);
  const binding = (): boolean => victim.store.records(victim.store.head.height + 1).length > 0;
  await eventually('a vote', binding);
  const stands = victim.store.head.height;
  await victim.kill();
  return stands;
}

/** Starts the victim; waits until it has caught up and votes again. Gives the heights at which it voted. */
async function backToVoting(): Promise<readonly number[]> {
  voted.delete(victim.name);
  await victim.start();
  await eventually('the end of its abstention', () => victim.store.abstention === null);
  await eventually('a vote', () => (voted.get(victim.name) ?? []).length > 0);
  expect(network.failures).toEqual([]);
  return voted.get(victim.name)!;
}

async function expectDamaged(): Promise<void> {
  await expect(victim.start()).rejects.toMatchObject({
    code: 'damaged',
    message: expect.stringContaining('consilium chain repair'),
  });
}

describe('chain repair', () => {
  it('says so when there is nothing to repair, and leaves everything', async () => {
    const height = await killVoter();
    const report = await repair();
    expect(report).toMatchObject({ outcome: 'whole', fault: null, abstention: null, aside: null });
    expect(report.height).toBeGreaterThanOrEqual(height);
    await backToVoting();
  }, 60_000);

  it('of a database that lost its end: votes nowhere below its last votes, which bind', async () => {
    const height = await killVoter();
    const log = join(victim.path, readdirSync(victim.path).find((name) => name.endsWith('.log'))!);
    truncateSync(log, Math.floor(statSync(log).size / 2));
    await expectDamaged();
    const report = await repair();
    expect(report).toMatchObject({ outcome: 'repaired', fault: expect.stringContaining('are lost') });
    expect(report.height).toBeLessThan(height);
    const { through } = report.abstention!;
    expect(through).toBeGreaterThanOrEqual(height);
    expect(existsSync(report.aside!)).toBe(true);
    expect(Math.min(...(await backToVoting()))).toBeGreaterThan(through!);
  }, 60_000);

  it('of a lost journal: votes nowhere until the others have told how far it may have voted', async () => {
    const height = await killVoter();
    rmSync(journalPath(victim.path));
    await expectDamaged();
    const report = await repair();
    expect(report).toMatchObject({ outcome: 'repaired', ended: null, abstention: { through: null } });
    expect(report.height).toBeGreaterThanOrEqual(height);
    expect(Math.min(...(await backToVoting()))).toBeGreaterThan(report.height + 2);
  }, 60_000);

  it('keeps every block whose lost part follows from it, and those before one that is lost', async () => {
    await killVoter();
    const { height, hash } = victim.store.head;
    const last = await damage(key.index(indexName(hash)));
    expect(last).toMatchObject({ outcome: 'repaired', ended: null });
    expect(last.height).toBeGreaterThanOrEqual(height);
    expect(await damage(key.height(3))).toMatchObject({ outcome: 'repaired', height: 2 });
    await backToVoting();
  }, 60_000);

  it('of an altered table: without it, and what was in it comes from the peers', async () => {
    const height = await killVoter();
    const raw = new ClassicLevel(victim.path);
    await raw.open();
    await raw.compactRange('', '\u{10ffff}');
    await raw.close();
    const table = join(victim.path, readdirSync(victim.path).find((name) => name.endsWith('.ldb'))!);
    // The length of the first key: LevelDB would end the process over it.
    flip(table, 1);
    await expectDamaged();
    const report = await repair();
    expect(report).toMatchObject({
      outcome: 'repaired',
      fault: expect.stringContaining('.ldb: it is altered'),
    });
    expect(report.abstention!.through).toBeGreaterThanOrEqual(height);
    const beside = readdirSync(dirname(victim.path)).filter((name) => /\.(salvage|lock)/.test(name));
    expect(beside).toEqual([]);
    await backToVoting();
  }, 60_000);

  it('can be run again when it was cut short', async () => {
    await killVoter();
    rmSync(journalPath(victim.path));
    renameSync(victim.path, `${victim.path}.repairing`);
    renameSync(`${victim.path}.repairing`, `${victim.path}.repaired`);
    await expectDamaged();
    // What stands for the finished folder here is a damaged one: ending the swap and repairing are one command.
    const report = await repair();
    expect(report.outcome).toBe('repaired');
    await backToVoting();
  }, 60_000);

  it('does as the operator says: no trust in an old copy, or a height that is known', async () => {
    await killVoter();
    expect((await repair({ votesLost: true })).abstention).toEqual({ through: null });
    const known = await repair({ voteAfter: 1_000_000 });
    expect(known.abstention).toEqual({ through: 1_000_000 });
    expect((await repair({ voteAfter: 0 })).abstention).toBeNull();
    await backToVoting();
  }, 60_000);
});

function flip(file: string, at: number): void {
  const raw = readFileSync(file);
  raw[at]! ^= 0x80;
  writeFileSync(file, raw);
}

async function damage(entry: string): Promise<RepairReport> {
  const database = await openDatabase(victim.path, false);
  await write(database, [[{ type: 'del', key: entry }]]);
  await database.close();
  await expectDamaged();
  return repair();
}
