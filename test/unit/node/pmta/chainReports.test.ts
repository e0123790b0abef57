import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesToHex, type HpkeKeys } from '../../../../crypto/index.js';
import { type RpcContext, type RpcServer, startRpcServer } from '../../../../node/rpc/index.js';
import { taskReaders } from '../../../../node/rpc/methods/taskReaders.js';
import { reportCall } from '../../../support/accounts.js';
import { type Call, createTestChain, type TestChain } from '../../../support/chain.js';
import { admitCall, askCall, contentCall, readerKeys, refuseCall, sealFor } from '../../../support/gate.js';
import type { Person } from '../../../support/genesis.js';
import { runProgram } from '../../../support/runProgram.js';

/** More than one answer of the node lists. */
const TASKS = 104;

let test: TestChain;
let server: RpcServer;
let dir: string;
const bugs: unknown[] = [];
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-reports-'));
  test = readTasks();
  const context = { head: () => test.tip } as unknown as RpcContext;
  server = await startRpcServer({ context, port: 0, onBug: (_, error) => bugs.push(error) });
});
afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true, force: true });
  expect(bugs).toEqual([]);
});

const one = 'hospital-1-device-1';
const two = 'hospital-1-device-2';
const far = 'hospital-2-device-1';
/** Who is admitted to which task. Nobody reads the others; of task 4 one who asked is refused. */
const readersOf = new Map([
  [1, [one, two]],
  [2, [two, far]],
  [3, [one, two]],
  [4, [one]],
  [TASKS, [two]],
]);

/** Content tasks that were read and reported: the first two in one block, and hospital 1's devices in an area. */
function readTasks(): TestChain {
  const made = createTestChain({
    devicesEach: 2,
    adjust: (genesis) => ({
      ...genesis,
      accounts: genesis.accounts.map((account) =>
        account.hospital === 'hospital-1' ? { ...account, area: 'icu' } : account,
      ),
    }),
  });
  const person = (name: string): Person => made.devices.find((device) => device.name === name)!;
  const played = (calls: readonly Call[]) => {
    const { receipts } = made.block(calls).executed;
    for (const { code } of receipts.slice(1)) expect(code).toBeNull();
  };
  const own: HpkeKeys = readerKeys();
  const content = sealFor(made, [own.publicKey]);
  // No more than 32 of a publisher are open.
  for (let first = 0; first < TASKS; ) {
    const count = first === 0 ? 2 : first === 2 ? 1 : Math.min(29, TASKS - first);
    played(Array.from({ length: count }, () => contentCall(made, content)));
    const tasks = Array.from({ length: count }, (_, at) => first + at + 1);
    const read = tasks.flatMap((task) => (readersOf.get(task) ?? []).map((name) => ({ task, name })));
    played(read.map(({ task, name }) => askCall(person(name), readerKeys().publicKey, { task })));
    if (tasks.includes(4)) {
      played([askCall(person(two), readerKeys().publicKey, { task: 4 })]);
      const refused = { task: 4, provider: person(two).publicKey, reason: 'enough' };
      played([{ ...refuseCall(made, person(two), 'enough'), args: refused }]);
    }
    played(read.map(({ task, name }) => admitCall(made, own, person(name), task)));
    played(
      tasks.map((task) => ({
        from: made.publisher,
        contract: 'tasks',
        method: 'withdraw',
        level: 1,
        args: { task },
      })),
    );
    first += count;
  }
  const report = (task: number, name: string) => reportCall(made.publisher, person(name).publicKey, task);
  played([report(1, one), report(3, one), report(3, two), report(TASKS, two)]);
  return made;
}

const at = (name: string) => join(dir, name);
const reports = (...args: string[]) => runProgram('pmta', 'reports', '--node', server.url, ...args);
const piecesIn = (name: string) => JSON.parse(readFileSync(at(name), 'utf8'));

describe('what was read and reported on a chain', () => {
  it('is a piece for each task and area, in windows of as many tasks', async () => {
    const { exit, out } = await reports('--windows', '2', '--out', at('all.json'), '--json');
    expect(exit).toBe('ok');
    expect(piecesIn('all.json')).toEqual([
      { area: 'icu', window: 0, readers: [one, two], reported: [one] },
      { area: 'icu', window: 0, readers: [two], reported: [] },
      { area: 'icu', window: 0, readers: [one, two], reported: [one, two] },
      { area: 'icu', window: 1, readers: [one], reported: [] },
      { area: 'icu', window: 1, readers: [two], reported: [two] },
      { area: 'hospital-2', window: 0, readers: [far], reported: [] },
    ]);
    expect(JSON.parse(out)).toEqual({
      out: at('all.json'),
      areas: [
        { area: 'icu', pieces: 5, readers: 2, reported: 2, windows: 2, reportedWindows: 2 },
        { area: 'hospital-2', pieces: 1, readers: 1, reported: 0, windows: 1, reportedWindows: 0 },
      ],
    });
  });

  it('is the same file again, of one hospital or from a later task on', async () => {
    await reports('--out', at('again.json'));
    const written = readFileSync(at('again.json'), 'utf8');
    await reports('--out', at('again.json'));
    expect(readFileSync(at('again.json'), 'utf8')).toBe(written);
    const { notes } = await reports('--hospital', 'hospital-2', '--out', at('far.json'));
    expect(piecesIn('far.json')).toEqual([{ area: 'hospital-2', window: 0, readers: [far], reported: [] }]);
    expect(notes).toContain('hospital-2: reports in 0 windows');
    await reports('--from-task', '4', '--windows', '2', '--out', at('late.json'));
    expect(piecesIn('late.json')).toEqual([
      { area: 'icu', window: 0, readers: [one], reported: [] },
      { area: 'icu', window: 1, readers: [two], reported: [two] },
    ]);
  });

  it.each([
    [
      'a hospital whose providers read nothing',
      ['--hospital', 'hospital-3'],
      'refused',
      'no provider of hospital-3',
    ],
    ['tasks that there are not', ['--from-task', String(TASKS + 1)], 'refused', 'nobody was admitted'],
    ['one window', ['--windows', '1'], 'usage', '--windows'],
  ] as const)('refuses %s', async (_, args, exit, text) => {
    const found = await reports(...args, '--out', at('none.json'));
    expect([found.exit, found.message]).toEqual([exit, expect.stringContaining(text)]);
  });

  it('is refused where it could not be written', async () => {
    const { exit, message } = await reports('--out', at('nowhere/reports.json'));
    expect([exit, message]).toEqual(['usage', expect.stringContaining('cannot be written')]);
  });

  it('writes over older reports and nothing else', async () => {
    for (const other of ['{"version":1,"spent":{"rho":"12"}}', '']) {
      writeFileSync(at('levels.json'), other);
      const { exit, message } = await reports('--out', at('levels.json'));
      expect([exit, message]).toEqual(['usage', expect.stringContaining('holds no reports')]);
      expect(readFileSync(at('levels.json'), 'utf8')).toBe(other);
    }
  });

  it('is told on the node’s own machine alone', () => {
    const context = { head: () => test.tip } as unknown as RpcContext;
    const ask = (fromLoopback: boolean) => () =>
      taskReaders.run(
        { context, fromLoopback, waitsUntil: 0, signal: new AbortController().signal },
        { from: 1 },
      );
    expect(ask(false)).toThrow(expect.objectContaining({ word: 'not-allowed' }));
    const answer = ask(true)() as { tasks: unknown[]; next: number | null };
    expect(answer.next).toBe(101);
    const [device] = test.devices as [Person];
    expect(answer.tasks[0]).toEqual({
      id: 1,
      publishedHeight: 1,
      readers: [
        {
          account: bytesToHex(device.publicKey),
          name: one,
          hospital: 'hospital-1',
          area: 'icu',
          reported: true,
        },
        expect.objectContaining({ name: two, reported: false }),
      ],
    });
  });
});
