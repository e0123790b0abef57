import { describe, expect, it } from 'vitest';
import {
  checkTask,
  enrolledCell,
  isWorkDue,
  openTasks,
  roundCell,
  standingCell,
  TASKS_OPEN_MAX,
  type TaskSpec,
  taskCell,
} from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import {
  applyCall,
  createTestChain,
  declareCall,
  publicTask,
  publishCall,
  startTask,
  taskSpec,
} from '../../support/chain.js';

const spec = taskSpec();
const dense = (units: number) => ({ kind: 'dense', units, activation: 'relu' }) as const;
const head = { kind: 'dense', units: 1, activation: 'linear' } as const;

/** A schema of so many features, each of its own name. */
const features = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ ...spec.schema.features[0]!, name: `f${i}` }));
const wide = (count: number) => ({ schema: { ...spec.schema, features: features(count) } });

const several = { ...spec.local, step: 'fedavg', steps: 2 } as const;

describe('checkTask', () => {
  const refusals: readonly [string, Partial<TaskSpec>, string][] = [
    ['a model without its logit', { model: { inputs: 2, layers: [dense(4)] } }, 'model-unfit'],
    ['no layer', { model: { inputs: 2, layers: [] } }, 'model-unfit'],
    [
      'a model of more parameters than an update may have',
      { model: { inputs: 2, layers: [dense(65_536), dense(65_536), head] } },
      'model-unfit',
    ],
    [
      'the largest widths that the codec lets through',
      { model: { inputs: 100_000, layers: [...new Array(31).fill(dense(100_000)), head] } },
      'model-unfit',
    ],
    ['inputs other than the features', { model: { inputs: 3, layers: [head] } }, 'model-unfit'],
    [
      'inputs without the indicators',
      { schema: { ...spec.schema, features: spec.schema.features.map((f) => ({ ...f, indicator: true })) } },
      'model-unfit',
    ],
    [
      'more classes than the model tells apart',
      { schema: { ...spec.schema, label: { name: 'y', classes: ['a', 'b', 'c'], weights16: [] } } },
      'model-unfit',
    ],
    ['no features', wide(0), 'schema-unfit'],
    ['more features than a schema may have', wide(1_025), 'schema-unfit'],
    [
      'a feature twice',
      { schema: { ...spec.schema, features: [features(1)[0]!, features(1)[0]!] } },
      'schema-unfit',
    ],
    ['noise without ε', { privacy: { ...spec.privacy, epsilonMicro: 0 } }, 'no-budget'],
    ['noise without δ', { privacy: { ...spec.privacy, deltaPico: 0 } }, 'no-budget'],
    ['ε without noise', { privacy: { ...spec.privacy, sigma16: 0 } }, 'no-noise'],
    ['no noise on data that is not public', { ...publicTask(), publicData: false }, 'not-public'],
    [
      'a σ whose rounds spend more than ε',
      { privacy: { ...spec.privacy, sigma16: spec.privacy.sigma16 - 1 } },
      'overdraws',
    ],
    ['the smallest σ', { privacy: { ...spec.privacy, sigma16: 1 } }, 'overdraws'],
    [
      'the smallest ε and δ',
      { privacy: { ...spec.privacy, epsilonMicro: 1, deltaPico: 1, sigma16: 2 ** 31 - 1 } },
      'overdraws',
    ],
    ['a quorum above the devices', { quorum: 5 }, 'quorum-unfit'],
    [
      'more faulty devices than devices',
      { verification: { ...spec.verification, faulty: 5 } },
      'faulty-unfit',
    ],
    [
      'inner steps that are not accounted: each record clipped, noise at the end',
      { local: { ...several, noise: 'once' } },
      'local-work-unfit',
    ],
    ['several steps of FedSGD', { local: { ...spec.local, steps: 2 } }, 'local-work-unfit'],
    [
      'a spring that flings a device beyond its start',
      { local: { ...several, step: 'fedprox', proximal16: 65_537 } },
      'local-work-unfit',
    ],
    ['steps whose noise spends more than ε, each one counted', { local: several }, 'overdraws'],
    [
      'an optimizer state that does not fit a payload',
      {
        model: { inputs: 2, layers: [dense(1_000), dense(3_500), head] },
        verification: { ...spec.verification, rule: 'none' },
        server: { ...spec.server, step: 'fedadam' },
        aggregation: 'centred-clipping',
      },
      'too-large-for-rule',
    ],
    [
      'an accumulator that may not fit a payload',
      { model: { inputs: 2, layers: [dense(4_000), head] }, devicesMax: 1_000 },
      'too-large-for-rule',
    ],
  ];
  it.each(refusals)('refuses %s', (_, change, code) => {
    expect(checkTask({ ...spec, ...change })?.code).toBe(code);
  });

  it('takes the extremes that fit', () => {
    const extremes: readonly Partial<TaskSpec>[] = [
      {},
      publicTask(),
      {
        privacy: { ...spec.privacy, epsilonMicro: 64_000_000, deltaPico: 1e11, clip16: 2 ** 31 - 1 },
        rounds: 1,
      },
      { privacy: { ...spec.privacy, sigma16: 2 ** 31 - 1, clip16: 1 }, rounds: 100_000 },
      { local: several, rounds: 1 },
      { ...publicTask(), local: several },
      {
        model: { inputs: 2, layers: [dense(1_000), dense(4_000), head] },
        verification: { ...spec.verification, rule: 'multi-krum' },
        devicesMax: 1_000,
      },
    ];
    expect(extremes.map((change) => checkTask({ ...spec, ...change }))).toEqual(extremes.map(() => null));
  });
});

describe('tasks.publish', () => {
  it('opens a task for enrolment, with the time of its block', () => {
    const test = createTestChain();
    const receipt = test.call(publishCall(test, spec));
    expect(receipt.ok).toBe(true);
    expect(receipt.events.map(({ kind }) => kind)).toEqual(['published']);
    expect(taskCell.get(test.state, 1)).toEqual({
      id: 1,
      publisher: test.publisher.publicKey,
      spec,
      status: 'enrolling',
      publishedHeight: 1,
      enrolUntil: test.tip.time + spec.enrolMs,
    });
    expect(enrolledCell.get(test.state, 1)).toEqual([]);
  });

  it('refuses others, a wrong level, an unfit task and malformed arguments, and changes nothing', () => {
    const test = createTestChain();
    const call = publishCall(test, spec);
    const { title: _, ...untitled } = spec;
    const cases = [
      [{ ...call, from: test.devices[0]! }, 'not-a-publisher'],
      [{ ...call, from: test.validators[0]! }, 'not-a-publisher'],
      [{ ...call, level: 2 }, 'wrong-level'],
      [{ ...call, level: 0 }, 'wrong-level'],
      [publishCall(test, { ...spec, quorum: 5 }), 'quorum-unfit'],
      [{ ...call, args: { spec: untitled } }, 'malformed-args'],
      [{ ...call, args: { spec: { ...spec, more: 1 } } }, 'malformed-args'],
      [{ ...call, args: { spec: { ...spec, learningRate16: 0.5 } } }, 'malformed-args'],
      [{ ...call, args: { spec: { ...spec, rounds: 100_001 } } }, 'malformed-args'],
      [
        { ...call, args: { spec: { ...spec, verification: { ...spec.verification, rule: 'toString' } } } },
        'malformed-args',
      ],
      [{ ...call, args: null }, 'malformed-args'],
      [{ ...call, method: 'constructor' }, 'unknown-method'],
      [{ ...call, contract: 'identity' }, 'unknown-method'],
    ] as const;
    for (const [refused, code] of cases) expect(test.refusal(refused), code).toBe(code);
    expect(taskCell.get(test.state, 1)).toBeNull();
    expect(openTasks(test.state)).toEqual([]);
  });

  it(`keeps at most ${TASKS_OPEN_MAX} tasks open`, () => {
    const test = createTestChain();
    const small = publishCall(test, publicTask({ enrolMs: 1_000_000 }));
    test.block(new Array(TASKS_OPEN_MAX).fill(small));
    expect(openTasks(test.state).length).toBe(TASKS_OPEN_MAX);
    expect(test.refusal(small)).toBe('too-many-tasks');
  });
});

describe('tasks.apply', () => {
  function published(change: Partial<TaskSpec> = {}) {
    const test = createTestChain({
      devicesEach: 2,
      adjust: (genesis) => ({
        ...genesis,
        accounts: genesis.accounts.map((account) =>
          account.name === 'hospital-2-device-1' ? { ...account, level: 2 } : account,
        ),
      }),
    });
    test.block([publishCall(test, taskSpec({ enrolMs: 1_000_000, ...change }))]);
    return test;
  }

  it('enrols a device whose validator vouches for its terms', () => {
    const test = published();
    const [first, second] = [test.devices[4]!, test.devices[0]!];
    for (const device of [first, second]) {
      test.call(declareCall(device));
      expect(test.call(applyCall(test, device)).events).toMatchObject([
        { kind: 'enrolled', fields: { task: 1, device: device.publicKey, units: 10 } },
      ]);
    }
    const sorted = [first, second].map(({ publicKey }) => publicKey).sort(Buffer.compare);
    expect(enrolledCell.get(test.state, 1)).toEqual(
      sorted.map((device) => ({ device, units: 10, dataset: new Uint8Array(32).fill(7) })),
    );
  });

  it('refuses what is not so', () => {
    const test = published();
    const [device, , otherLevel, undeclared] = test.devices as [never, never, never, never];
    test.block([declareCall(device), declareCall(otherLevel)]);
    const call = applyCall(test, device);
    const args = call.args as Record<string, unknown>;
    const cases = [
      [{ ...call, from: test.publisher }, 'not-a-device'],
      [applyCall(test, device, { task: 2 }), 'unknown-task'],
      [{ ...call, level: 0 }, 'wrong-level'],
      [{ ...call, level: 2 }, 'wrong-level'],
      [applyCall(test, otherLevel), 'wrong-level'],
      [applyCall(test, device, { schemaHash: new Uint8Array(32) }), 'wrong-schema'],
      [applyCall(test, device, {}, test.validators[1]!), 'not-approved'],
      [{ ...call, args: { ...args, units: 11 } }, 'not-approved'],
      [{ ...call, args: { ...args, dataset: new Uint8Array(32) } }, 'not-approved'],
      [{ ...call, args: { ...args, units: 0 } }, 'malformed-args'],
      [{ ...call, args: { ...args, units: 10_001 } }, 'malformed-args'],
      [applyCall(test, undeclared), 'undeclared-dataset'],
      [applyCall(test, device, { dataset: new Uint8Array(32).fill(9) }), 'undeclared-dataset'],
    ] as const;
    for (const [refused, code] of cases) expect(test.refusal(refused), code).toBe(code);
    expect(enrolledCell.get(test.state, 1)).toEqual([]);
    expect(test.refusal(call)).toBeNull();
    expect(test.refusal(call)).toBe('already-enrolled');
  });

  it('does not take an approval for another device, or for another chain', () => {
    const test = published();
    const [device, neighbour] = test.devices as [never, never];
    test.block([declareCall(device), declareCall(neighbour)]);
    expect(test.refusal({ ...applyCall(test, neighbour), from: device })).toBe('not-approved');
    const elsewhere = createTestChain();
    const foreign = { ...elsewhere, state: test.state };
    expect(test.refusal(applyCall(foreign as never, device))).toBe('not-approved');
  });

  it('refuses a blacklisted device', () => {
    const test = createTestChain({
      write: (state, { devices }) =>
        standingCell.set(state, { points: 0, blacklisted: true }, bytesToHex(devices[0]!.publicKey)),
    });
    test.block([publishCall(test, publicTask())]);
    expect(test.refusal(applyCall(test, test.devices[0]!))).toBe('blacklisted');
    expect(test.refusal(applyCall(test, test.devices[1]!))).toBeNull();
  });

  it('refuses the one after the last place, and those who come after the start', () => {
    const test = published({ devicesMax: 2, quorum: 2 });
    const [a, b, , d] = test.devices as [never, never, never, never];
    test.block([declareCall(a), declareCall(b), declareCall(d)]);
    const block = test.block([applyCall(test, a), applyCall(test, b), applyCall(test, d)]);
    expect(block.executed.receipts.map(({ code }) => code)).toEqual([null, null, null, 'task-full']);
    expect(test.refusal(applyCall(test, d))).toBe('not-enrolling');
  });

  it('takes devices without a ledger into a task without noise', () => {
    const test = createTestChain();
    test.block([publishCall(test, publicTask())]);
    expect(test.refusal(applyCall(test, test.devices[0]!))).toBeNull();
  });
});

describe('enrolment', () => {
  it('ends with the last free place: the next block starts the task and its first round', () => {
    const test = createTestChain();
    startTask(test, taskSpec({ enrolMs: 1_000_000_000 }));
    expect(taskCell.get(test.state, 1)!.status).toBe('running');
    expect(test.tip.height).toBe(3);
    expect(roundCell.get(test.state, 1)).toMatchObject({
      round: 1,
      openedHeight: 3,
      openedTime: test.tip.time,
      accumulator: null,
      updates: [],
      weights: { size: 12 },
    });
  });

  it('ends in time: with a quorum the task starts, also in an empty block', () => {
    const test = createTestChain();
    test.block([publishCall(test, spec)]);
    const three = test.devices.slice(0, 3);
    test.block([...three.map((d) => declareCall(d)), ...three.map((d) => applyCall(test, d))]);
    const { enrolUntil } = taskCell.get(test.state, 1)!;
    test.block([], enrolUntil - 1);
    test.block([], enrolUntil);
    expect(taskCell.get(test.state, 1)!.status).toBe('enrolling');
    test.empty();
    expect(taskCell.get(test.state, 1)!.status).toBe('running');
    expect(roundCell.get(test.state, 1)!.round).toBe(1);
  });

  it('fails in time below the quorum', () => {
    const test = createTestChain();
    test.block([publishCall(test, spec)]);
    const two = test.devices.slice(0, 2);
    test.block([...two.map((d) => declareCall(d)), ...two.map((d) => applyCall(test, d))]);
    test.block([], taskCell.get(test.state, 1)!.enrolUntil);
    const { receipts } = test.block([]).executed;
    expect(receipts[0]!.events.map(({ kind }) => kind)).toEqual(['failed']);
    expect(taskCell.get(test.state, 1)!.status).toBe('failed');
    expect(openTasks(test.state)).toEqual([]);
    expect(roundCell.get(test.state, 1)).toBeNull();
    expect(test.refusal(applyCall(test, test.devices[3]!))).toBe('not-enrolling');
  });

  it('opens the first round of one task a block', () => {
    const test = createTestChain();
    const call = publishCall(test, publicTask({ quorum: 1 }));
    test.block([call, call]);
    const device = test.devices[0]!;
    test.block([applyCall(test, device), applyCall(test, device, { task: 2 })]);
    test.block([], test.tip.time + 1_000);
    const open = () => [1, 2].map((task) => roundCell.get(test.state, task)?.openedHeight);
    test.block([]);
    expect(openTasks(test.state).map(({ status }) => status)).toEqual(['running', 'running']);
    expect(open()).toEqual([4, undefined]);
    expect(isWorkDue(test.state, test.tip.height, test.tip.time)).toBe(true);
    test.empty();
    expect(open()).toEqual([4, 5]);
    expect(isWorkDue(test.state, test.tip.height, test.tip.time)).toBe(false);
  });
});
