import { describe, expect, it } from 'vitest';
import {
  beginExecution,
  bytesBetween,
  type Contract,
  cell,
  type Execution,
  limits,
  method,
  nonceCell,
  type Protocol,
  readState,
  record,
  refuse,
  type StateTree,
  stepCosts,
  uint,
} from '../../../chain/index.js';
import { ada, context, genesisState, notesProtocol, signed } from '../../support/notesChain.js';

const wroteCell = cell('greedy/wrote', uint);
const keptCell = cell('greedy/kept', uint);
const bulkCell = cell('greedy/bulk', bytesBetween(0, 1_000_000));

/** Does as much of one thing as it is asked for. */
const greedy: Contract<unknown> = {
  name: 'greedy',
  methods: {
    work: method(
      record({ reads: uint, writes: uint, bytes: uint, events: uint, signatures: uint, refuses: uint }),
      (scope, { reads, writes, bytes, events, signatures, refuses }) => {
        keptCell.set(scope.kept, (keptCell.get(scope.kept) ?? 0) + 1);
        for (let i = 0; i < signatures; i += 1) scope.spend('signature');
        for (let i = 0; i < events; i += 1) scope.emit('event', {});
        for (let i = 0; i < reads; i += 1) wroteCell.get(scope.state, i);
        for (let i = 0; i < writes; i += 1) wroteCell.set(scope.state, i, i);
        if (bytes > 0) {
          bulkCell.set(scope.state, new Uint8Array(bytes));
          bulkCell.get(scope.state);
        }
        return refuses === 0 ? null : refuse('no', 'asked to');
      },
    ),
  },
};
const protocol: Protocol<unknown> = { ...notesProtocol, contracts: [greedy] };

const begin = (state: StateTree = genesisState()): Execution =>
  beginExecution(protocol, state, context(1), 0, () => null);

const nothing = { reads: 0, writes: 0, bytes: 0, events: 0, signatures: 0, refuses: 0 };
const work = (args: Partial<typeof nothing>, nonce = 0) =>
  signed(ada, { nonce, contract: 'greedy', method: 'work', args: { ...nothing, ...args } });

function take(execution: Execution, ...of: Parameters<typeof work>) {
  const taken = execution.take(work(...of));
  if (!taken.ok) throw new Error(taken.reason);
  return taken;
}

const idle = take(begin(), {}).steps;

describe('the steps of a call', () => {
  it('count reads, writes, their bytes, events and dear work', () => {
    const { read, write, bytesPerStep, event, work: dear } = stepCosts;
    const steps = (args: Partial<typeof nothing>) => take(begin(), args).steps - idle;
    expect(idle).toBe(read + write);
    expect(steps({ reads: 7 })).toBe(7 * read);
    expect(steps({ writes: 7 })).toBe(7 * write);
    expect(steps({ events: 7 })).toBe(7 * event);
    expect(steps({ signatures: 7 })).toBe(7 * dear.signature);
    // Written and read again; its head takes five bytes more.
    expect(steps({ bytes: 64_000 })).toBe(read + write + 2 * Math.floor(64_005 / bytesPerStep));
    // What is refused was done all the same.
    expect(steps({ reads: 7, refuses: 1 })).toBe(7 * read);
  });

  const most = Math.floor((limits.stepsPerCallMax - idle) / stepCosts.read);
  it.each([
    ['reads', { reads: most }, { reads: most + 1 }],
    ['writes', {}, { writes: limits.stepsPerCallMax / stepCosts.write }],
    ['events', {}, { events: limits.stepsPerCallMax / stepCosts.event }],
    ['signatures', {}, { signatures: Math.ceil(limits.stepsPerCallMax / stepCosts.work.signature) }],
  ] as const)('are bounded: too many %s', (_, within, beyond) => {
    expect(take(begin(), within).receipt.code).toBeNull();
    const execution = begin();
    const { receipt, steps } = take(execution, beyond);
    expect(receipt).toMatchObject({ ok: false, code: 'out-of-steps', events: [] });
    expect(steps).toBeGreaterThan(limits.stepsPerCallMax);
    expect(steps).toBeLessThan(limits.stepsPerCallMax + 1_000);
    const state = readState(execution.finish().state);
    // Nothing of it but what stays in any case.
    expect(wroteCell.get(state, 0)).toBeNull();
    expect(keptCell.get(state)).toBe(1);
    expect(nonceCell.get(state, Buffer.from(ada.key).toString('hex'))).toBe(1);
  });

  it('come to the same on every node: one state root, one receipt', () => {
    const runs = [1, 2].map(() => {
      const execution = begin();
      take(execution, { reads: 100_000 });
      take(execution, { reads: 3 }, 1);
      return execution.finish();
    });
    expect(runs[0]!.stateRoot).toEqual(runs[1]!.stateRoot);
    expect(runs[0]!.receiptsRoot).toEqual(runs[1]!.receiptsRoot);
  });

  it('of a block are bounded, too: then it takes no more', () => {
    const execution = begin();
    const each = limits.stepsPerCallMax;
    const signatures = Math.floor((each - idle) / stepCosts.work.signature);
    let nonce = 0;
    for (let steps = 0; steps < limits.stepsPerBlockMax; nonce += 1)
      steps += take(execution, { signatures }, nonce).steps;
    expect(nonce).toBeGreaterThan(limits.stepsPerBlockMax / each - 1);
    expect(execution.take(work({}, nonce))).toEqual({ ok: false, reason: 'block-full' });
  });
});
