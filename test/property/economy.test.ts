import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  applyChanges,
  asVerified,
  beginExecution,
  encodeTransaction,
  nonceCell,
  payloadId,
  readState,
  type StateReader,
  type StateTree,
} from '../../chain/index.js';
import {
  type Application,
  accountOf,
  applicationsOf,
  balanceCell,
  closingId,
  contentCell,
  contentTaskCell,
  dueClosings,
  enrolledCell,
  escrowCell,
  gridOf,
  openTasksCell,
  roundCell,
  supplyCell,
  type Task,
  taskCell,
  taskCountCell,
} from '../../contracts/index.js';
import { drbg, utf8ToBytes } from '../../crypto/index.js';
import { encodeUpdate, parameterCount, type RoundOutcome, roundToFine, toWire } from '../../fl/index.js';
import { applyCall, type Call, createTestChain, publicTask, publishCall } from '../support/chain.js';
import { openContentIds, sealedBytes } from '../support/gate.js';

/*
 * Random histories of tasks of both kinds, of transfers and of time, executed by the real contracts; signatures of
 * transactions, seeds and certificates are left out. After every block: nothing is made or lost, nobody is behind a gate
 * of another level, nothing goes back, nothing is left over.
 */

const random = drbg(utf8ToBytes('economy'));
const RUNS = 25;
/** Fixed, so that what has to have happened has. Another one finds other histories. */
const SEED = 1;
const STEPS = 60;

/** Devices 0 to 3 of level 1, 4 to 7 of level 2. */
const people = createTestChain({
  devicesEach: 2,
  adjust: (genesis) => ({
    ...genesis,
    accounts: genesis.accounts.map((account, i) =>
      account.role === 'device' ? { ...account, level: i % 2 === 0 ? 1 : 2 } : account,
    ),
  }),
});

const step = fc.record({
  kind: fc.constantFrom(
    'train',
    'train',
    'content',
    'content',
    'enrol',
    'enrol',
    'update',
    'update',
    'update',
    'ask',
    'ask',
    'admit',
    'admit',
    'refuse',
    'complete',
    'withdraw',
    'transfer',
    'wait',
    'wait',
  ),
  who: fc.nat(7),
  other: fc.nat(7),
  task: fc.integer({ min: 1, max: 5 }),
  level: fc.integer({ min: 1, max: 2 }),
  amount: fc.integer({ min: 0, max: 400_000 }),
  small: fc.nat(3),
  ms: fc.integer({ min: 1, max: 3_000 }),
});
const history = fc.array(step, { minLength: STEPS, maxLength: STEPS });
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Chain {
  readonly tree: StateTree;
  readonly state: StateReader;
  readonly height: number;
  readonly time: number;
  /** The chain is of protocol 1 below this height, and of 2 from it on. */
  readonly upgrade: number;
}

const order = ['enrolling', 'running', 'ending', 'done', 'failed', 'withdrawn'];

function callOf(chain: Chain, one: Step): Call | null {
  const { who, other, task, level, amount, small } = one;
  const { publisher, devices } = people;
  const about = (from: typeof publisher, method: string, args: object): Call => ({
    from,
    contract: 'tasks',
    method,
    level: contentTaskCell.get(chain.state, task)?.level ?? taskCell.get(chain.state, task)?.spec.level ?? 1,
    args: { task, ...args },
  });
  /** One who stands so, if there is one. */
  const applicant = (status: Application['status']): Uint8Array =>
    applicationsOf(chain.state, task).find((other) => other.status === status)?.provider ??
    devices[who]!.publicKey;
  switch (one.kind) {
    case 'train':
      return publishCall(
        people,
        publicTask({ level, reward: amount, rounds: 1 + small, devicesMax: 2, quorum: 1, enrolMs: 100 }),
      );
    case 'content': {
      const content = sealedBytes(people.chain.chainId, random);
      const completion = small % 2 === 0 ? 'publisher' : 'providers';
      const terms = { level, places: 1 + small, completion, reward: amount, applyMs: 5_000, workMs: 5_000 };
      return {
        from: publisher,
        contract: 'tasks',
        method: 'publishContent',
        level,
        args: { ...terms, content },
      };
    }
    case 'enrol': {
      const spec = taskCell.get(chain.state, task)?.spec;
      if (spec === undefined) return null;
      // Mostly one of the level that fits.
      const device = devices[small === 0 ? who : who - (who % 2) + spec.level - 1]!;
      const call = applyCall({ ...people, state: chain.state }, device, { task, units: 1 + other });
      return { ...call, level: spec.level };
    }
    case 'update': {
      const running = (openTasksCell.get(chain.state) ?? []).filter((id) => roundCell.get(chain.state, id));
      const found = taskCell.get(chain.state, running[task % Math.max(1, running.length)] ?? 0);
      if (found === null) return null;
      const enrolled = enrolledCell.get(chain.state, found.id)!;
      const { device } = enrolled[who % enrolled.length]!;
      const from = devices.find(({ publicKey }) => Buffer.compare(publicKey, device) === 0)!;
      const args = { task: found.id, round: roundCell.get(chain.state, found.id)!.round };
      const payloads = [updateOf(found, other - 3)];
      return { from, contract: 'training', method: 'update', level: found.spec.level, args, payloads };
    }
    case 'ask': {
      const level = contentTaskCell.get(chain.state, task)?.level ?? 1;
      const device = devices[small === 0 ? who : who - (who % 2) + level - 1]!;
      return about(device, 'ask', { key: random(32) });
    }
    case 'admit':
      return about(publisher, 'admit', {
        provider: applicant('waiting'),
        enc: random(32),
        wrapped: random(48),
      });
    case 'refuse':
      return about(publisher, 'refuse', { provider: applicant('waiting'), reason: 'enough' });
    case 'complete': {
      const done = applicant('admitted');
      const from = devices.find(({ publicKey }) => Buffer.compare(publicKey, done) === 0)!;
      return small === 0
        ? about(publisher, 'complete', { providers: [done] })
        : about(from, 'complete', { providers: [] });
    }
    case 'withdraw':
      return about(publisher, 'withdraw', {});
    case 'transfer': {
      const to = devices[other]!.publicKey;
      const from = small === 0 ? publisher : devices[who]!;
      return { from, contract: 'rewards', method: 'transfer', args: { to, amount: Math.max(1, amount) } };
    }
    case 'wait':
      return null;
    default:
      return one.kind satisfies never;
  }
}

/** A point of the task's lattice: these tasks add no noise. */
function updateOf(task: Task, value: number): Uint8Array {
  const grid = gridOf(task);
  const sum = new Float64Array(parameterCount(task.spec.model)).fill(value);
  return encodeUpdate(toWire(roundToFine(sum, grid), grid), grid);
}

/** One block with one transaction, if it makes sense now. Gives the next state and what the call came to. */
function play(chain: Chain, one: Step, codes: Map<string, number>): Chain {
  const [height, time] = [chain.height + 1, chain.time + (one.kind === 'wait' ? one.ms : 10)];
  const closings = new Map<string, RoundOutcome>();
  for (const due of dueClosings(chain.state, chain.height, chain.time)) {
    if (!due.quorate) continue;
    const verdicts = due.round.updates.map(({ device }, i) => ({
      device: Buffer.from(device).toString('hex'),
      ...(
        [
          { qualified: true, reason: null, score16: 1 },
          { qualified: false, reason: 'rank', score16: 0 },
          { qualified: false, reason: 'distant', score16: 0 },
        ] as const
      )[(one.small + i) % 3]!,
    }));
    const weights = { id: payloadId(Uint8Array.of(one.small)), size: 1 };
    closings.set(closingId(due.task.id, due.round.round), {
      verdicts,
      weights,
      accumulator: null,
      optimizer: null,
      clipping: null,
    });
  }
  const call = callOf(chain, one);
  const protocol = height < chain.upgrade ? 1 : 2;
  const block = {
    chainId: people.chain.chainId,
    protocol,
    height,
    time,
    leader: people.validators[0]!.publicKey,
    parent: { height: chain.height, time: chain.time, leader: null, committee: [] },
    participants: [],
    closings,
  };
  const payloads = call?.payloads ?? [];
  const execution = beginExecution(
    people.chain.rules.protocols.get(protocol)!,
    chain.tree,
    block,
    call?.level ?? 0,
    (id) => payloads.find((bytes) => Buffer.compare(payloadId(bytes), id) === 0) ?? null,
  );
  if (call !== null) {
    const { from, contract, method, args, level = 0 } = call;
    const refs = payloads.map((bytes) => ({ id: payloadId(bytes), size: bytes.length }));
    const nonce = nonceCell.get(chain.state, Buffer.from(from.publicKey).toString('hex')) ?? 0;
    const fields = { level, from: from.publicKey, nonce, contract, method, args, payloads: refs };
    const transaction = { chainId: block.chainId, ...fields, signature: new Uint8Array(64) };
    const taken = execution.take(asVerified(transaction, encodeTransaction(transaction).length));
    if (!taken.ok) throw new Error(`bug: ${taken.reason}`);
    const code = `${method}: ${taken.receipt.code ?? 'taken'}`;
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  const { changes } = execution.finish();
  const tree = applyChanges(chain.tree, changes);
  return { ...chain, tree, state: readState(tree), height, time };
}

function check({ state: before }: Chain, { state, time }: Chain): void {
  const everybody = [...people.devices, ...people.validators, people.publisher];
  const count = taskCountCell.get(state) ?? 0;
  const [openTraining, openContent] = [openTasksCell.get(state) ?? [], openContentIds(state)];
  let tokens = everybody.reduce(
    (sum, { publicKey }) => sum + (balanceCell.get(state, Buffer.from(publicKey).toString('hex')) ?? 0),
    0,
  );
  for (let id = 1; id <= count; id += 1) {
    const training = taskCell.get(state, id);
    const content = contentTaskCell.get(state, id);
    expect((training === null) !== (content === null)).toBe(true);
    const level = content?.level ?? training!.spec.level;
    const isOpen = content !== null ? openContent.includes(id) : openTraining.includes(id);
    const escrow = escrowCell.get(state, id) ?? 0;
    tokens += escrow;
    // No orphans: an escrow and a round have an open task, an open task has its escrow, a content its task.
    expect(escrow).toBe(isOpen ? (content?.reward ?? training!.spec.reward) : 0);
    if (content !== null) {
      expect(isOpen).toBe(content.status === 'open');
      expect(contentCell.get(state, id)).not.toBeNull();
      const then = contentTaskCell.get(before, id);
      if (then !== null && then.status !== 'open') expect(content).toEqual(then);
      expect(isOpen && time > content.endsAt + 3_010).toBe(false);
      const applications = applicationsOf(state, id);
      const admitted = applications.filter(({ status }) => status === 'admitted');
      expect(admitted.length).toBeLessThanOrEqual(content.places);
      for (const { done, status } of applications) expect(done && status !== 'admitted').toBe(false);
      for (const { provider } of applications) expect(accountOf(state, provider)!.level).toBe(level);
    } else {
      const { status } = training!;
      expect(isOpen).toBe(['enrolling', 'running', 'ending'].includes(status));
      const then = taskCell.get(before, id);
      if (then !== null) {
        expect(order.indexOf(status)).toBeGreaterThanOrEqual(order.indexOf(then.status));
        if (order.indexOf(then.status) > 2) expect(status).toBe(then.status);
      }
      const [was, is] = [roundCell.get(before, id), roundCell.get(state, id)];
      if (was !== null && is !== null) expect(is.round).toBeGreaterThanOrEqual(was.round);
      expect(is !== null && !['running', 'ending'].includes(status)).toBe(false);
      for (const { device } of enrolledCell.get(state, id) ?? [])
        expect(accountOf(state, device)!.level).toBe(level);
    }
  }
  expect(tokens).toBe(supplyCell.get(state));
}

it('random histories conserve tokens, keep gates and order, and leave nothing behind', () => {
  const codes = new Map<string, number>();
  fc.assert(
    fc.property(history, fc.integer({ min: 1, max: STEPS }), (steps, upgrade) => {
      const { state: tree, height, time } = people.chain.tip;
      let chain: Chain = { tree, state: readState(tree), height, time, upgrade };
      for (const one of steps) {
        const next = play(chain, one, codes);
        check(chain, next);
        chain = next;
      }
    }),
    { numRuns: RUNS, seed: SEED, endOnFailure: true },
  );
  // It has been everywhere.
  const taken = [
    'publish',
    'publishContent',
    'apply',
    'update',
    'ask',
    'admit',
    'complete',
    'withdraw',
    'transfer',
  ];
  for (const method of taken) expect([method, codes.get(`${method}: taken`) ?? 0]).not.toEqual([method, 0]);
  for (const refusal of [
    'ask: wrong-level',
    'apply: wrong-level',
    'publish: no-balance',
    'transfer: no-balance',
  ])
    expect([refusal, codes.get(refusal) ?? 0]).not.toEqual([refusal, 0]);
}, 60_000);
