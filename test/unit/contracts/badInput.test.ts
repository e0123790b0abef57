import { beforeAll, describe, expect, it } from 'vitest';
import { checkTask, gridAt, roundCell, type TaskSpec, taskCell } from '../../../contracts/index.js';
import { drbg, utf8ToBytes } from '../../../crypto/index.js';
import {
  createRowEncoder,
  createSummary,
  type DataSchema,
  encodedWidth,
  encodeEntropy,
  encodeUpdate,
  energyFloorSquared,
  normCapSquared,
  parameterCount,
} from '../../../fl/index.js';
import {
  applyCall,
  type Call,
  createTestChain,
  declareCall,
  publicTask,
  publishCall,
  startTask,
  type TestChain,
  taskSpec,
  updateBytes,
  updateCall,
} from '../../support/chain.js';
import type { Person } from '../../support/genesis.js';

/*
 * What people, programs and attackers get wrong about learning, each with the word by which it is refused. Elsewhere every
 * rule has a test of its own; here none may be missing.
 */

const feature = taskSpec().schema.features[0]!;
const FEATURES = 30;
/** Thirty-one parameters: enough for noise that is missing to show. */
const wide: Partial<TaskSpec> = {
  model: { inputs: FEATURES, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] },
  schema: {
    ...taskSpec().schema,
    features: Array.from({ length: FEATURES }, (_, i) => ({ ...feature, name: `f${i}` })),
  },
};
const spec = taskSpec({ ...wide, rounds: 30 });

describe('an update', () => {
  let test: TestChain;
  let device: Person;
  let other: Person;
  beforeAll(() => {
    test = createTestChain();
    startTask(test, spec);
    [device, other] = test.devices as [Person, Person];
  });
  const grid = () => gridAt(test.state, taskCell.get(test.state, 1)!, 1)!;
  const of = (wire: Int32Array) => encodeUpdate(wire, grid());
  const dimension = parameterCount(spec.model);
  const along = (length: number) => Int32Array.of(length, ...new Array<number>(dimension - 1).fill(0));

  const refused: readonly [string, (good: Uint8Array) => Partial<Call> | Uint8Array, string][] = [
    [
      'off the lattice: no encoding of whole numbers',
      (good) => good.map((byte, i) => (i === 9 ? byte ^ 255 : byte)),
      'malformed-update',
    ],
    [
      'packed as if there were no noise',
      () => encodeUpdate(along(9), { ...grid(), sigma16: 0 }),
      'malformed-update',
    ],
    [
      'of a parameter too few',
      () => encodeEntropy(new Int32Array(dimension - 1).fill(20)),
      'malformed-update',
    ],
    [
      'of a parameter too many',
      () => encodeEntropy(new Int32Array(dimension + 1).fill(20)),
      'malformed-update',
    ],
    ['cut short', (good) => good.subarray(0, good.length - 1), 'malformed-update'],
    ['with a byte after its end', (good) => Uint8Array.of(...good, 0), 'malformed-update'],
    [
      'over the norm cap',
      () => of(along(Math.ceil(Math.sqrt(Number(normCapSquared(grid(), 10)))) + 1)),
      'over-norm-cap',
    ],
    ['of nothing at all, without the noise that was declared', () => of(along(0)), 'too-little-energy'],
    [
      'a wire step below the least energy',
      () => of(along(Math.floor(Math.sqrt(Number(energyFloorSquared(grid()) - 1n))))),
      'too-little-energy',
    ],
    ['for a round that is yet to come', () => ({ args: { task: 1, round: 2 } }), 'wrong-round'],
    ['for a task that there is not', () => ({ args: { task: 9, round: 1 } }), 'unknown-task'],
    ['claimed by a device that is not enrolled', () => ({ from: test.publisher }), 'not-enrolled'],
    ['of two payloads', (good) => ({ payloads: [good, good] }), 'one-payload'],
    ['of none', () => ({ payloads: [] }), 'one-payload'],
  ];
  it.each(refused)('%s is refused', (_, change, code) => {
    const good = updateBytes(test, device, 1);
    const changed = change(good);
    const call = updateCall(test, device, 1, good);
    expect(
      test.refusal({ ...call, ...(changed instanceof Uint8Array ? { payloads: [changed] } : changed) }),
    ).toBe(code);
  });

  it('is taken once: not again, not another one, not by another device in its name', () => {
    const good = updateBytes(test, device, 1);
    const call = updateCall(test, device, 1, good);
    const signed = test.sign(call);
    expect(test.adopt(test.build([signed])).executed.receipts[1]!.code).toBeNull();
    // The very transaction, replayed: its nonce is used, so no block takes it.
    expect(test.build([signed]).block.transactions).toEqual([]);
    expect(test.refusal(call)).toBe('already-submitted');
    expect(test.refusal(updateCall(test, device, 1, updateBytes(test, device, 7)))).toBe('already-submitted');
    // Another device's bytes are that device's own update, signed by it: it changes nothing for the first one.
    expect(test.refusal({ ...call, from: other })).toBeNull();
    const { updates } = roundCell.get(test.state, 1)!;
    expect(updates.filter(({ device: by }) => Buffer.compare(by, device.publicKey) === 0).length).toBe(1);
  });
});

describe('a task', () => {
  const local = { ...spec.local, step: 'fedavg', steps: 2, noise: 'once' } as const;
  const refused: readonly [string, Partial<TaskSpec>, string][] = [
    ['inner steps that are not accounted', { local }, 'local-work-unfit'],
    ['σ = 0 with a claimed ε', { privacy: { ...spec.privacy, sigma16: 0 } }, 'no-noise'],
    ['T that overdraws', { rounds: 31 }, 'overdraws'],
    [
      'T, q and σ that overdraw together',
      { rounds: 4_000, local: { ...spec.local, rate32: 2 ** 31 } },
      'overdraws',
    ],
    [
      'δ of one in all devices, or more',
      { devicesMax: 10, privacy: { ...spec.privacy, unit: 'device', deltaPico: 1e11 } },
      'delta-unfit',
    ],
    ['ε none on data not declared public', { ...publicTask(wide), publicData: false }, 'not-public'],
    [
      'drawn devices',
      { privacy: { ...spec.privacy, unit: 'device' }, local: { ...spec.local, rate32: 1 } },
      'local-work-unfit',
    ],
    ['patients that nobody can tell apart', { privacy: { ...spec.privacy, unit: 'patient' } }, 'unit-unfit'],
  ];
  it.each(refused)('with %s is refused', (_, change, code) => {
    expect(checkTask({ ...spec, ...change })?.code).toBe(code);
  });

  it.each([
    ['an unknown layer', { model: { inputs: 2, layers: [{ kind: 'lambda', units: 1 }] } }],
    ['initial weights of its own', { weights: new Uint8Array(12) }],
    ['initial weights in place of the seed', { weightsSeed: new Uint8Array(124) }],
    ['an unknown unit', { privacy: { ...spec.privacy, unit: 'ward' } }],
    ['an unknown clipping rule', { clipping: { ...spec.clipping, rule: 'literal' } }],
  ])('with %s does not decode', (_, change) => {
    const test = createTestChain();
    const call = publishCall(test, spec);
    expect(test.refusal({ ...call, args: { spec: { ...spec, ...change } } })).toBe('malformed-args');
  });

  it('whose δ is one in the records of a device, or more, does not get that device', () => {
    const test = createTestChain();
    test.block([publishCall(test, { ...spec, enrolMs: 100_000 }), declareCall(test.devices[0]!)]);
    expect(test.refusal(applyCall(test, test.devices[0]!, { units: 10_000 }))).toBe('delta-unfit');
  });
});

describe('data', () => {
  const schema: DataSchema = {
    ...taskSpec().schema,
    features: [feature, { ...feature, name: 'b' }],
    subject: 'p',
  };
  const header = [feature.name, 'b', 'y', 'p'];

  function findingsOf(rows: readonly string[][], batchRows = 2): string[] {
    const summary = createSummary(schema, { batchRows, allow: [] });
    const created = createRowEncoder(header, schema, summary.seen);
    if (!created.ok) return created.problems.map(({ kind }) => kind);
    for (const [index, row] of rows.entries()) {
      const x = new Float32Array(encodedWidth(schema));
      const label = created.encoder.encode(row, index + 2, { x, at: 0 }, summary.onProblem);
      summary.addRow(x, 0, label, created.encoder.subjectOf(row), null);
    }
    return summary.result().findings.map(({ kind }) => kind);
  }

  it.each<[string, string[][], number, string]>([
    [
      'NaN',
      [
        ['1', 'NaN', '0', 'p1'],
        ['2', '1', '1', 'p2'],
      ],
      2,
      'not-finite',
    ],
    [
      'a word where a number belongs',
      [
        ['1', 'many', '0', 'p1'],
        ['2', '1', '1', 'p2'],
      ],
      2,
      'not-a-number',
    ],
    [
      'a constant column',
      [
        ['1', '1', '0', 'p1'],
        ['2', '1', '1', 'p2'],
      ],
      2,
      'constant-column',
    ],
    [
      'one class only',
      [
        ['1', '1', '0', 'p1'],
        ['2', '3', '0', 'p2'],
      ],
      2,
      'one-class',
    ],
    [
      'fewer rows than a batch',
      [
        ['1', '1', '0', 'p1'],
        ['2', '3', '1', 'p2'],
      ],
      3,
      'too-few-rows',
    ],
    ['no rows', [], 2, 'no-rows'],
    [
      'a label of no class',
      [
        ['1', '1', '2', 'p1'],
        ['2', '3', '1', 'p2'],
        ['3', '3', '0', 'p2'],
      ],
      2,
      'unknown-label',
    ],
    [
      'a row that is nobody’s',
      [
        ['1', '1', '0', ''],
        ['2', '3', '1', 'p2'],
      ],
      2,
      'no-subject',
    ],
  ])('with %s is refused', (_, rows, batchRows, kind) => {
    expect(findingsOf(rows, batchRows)).toEqual([kind]);
  });

  it('in order is taken', () => {
    const random = drbg(utf8ToBytes('data in order'));
    const rows = Array.from({ length: 6 }, (_, i) => [
      `${random(1)[0]! % 5}`,
      `${i % 4}`,
      `${i % 2}`,
      `p${i}`,
    ]);
    expect(findingsOf(rows)).toEqual([]);
  });
});
