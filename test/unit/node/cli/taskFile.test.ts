import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkTask } from '../../../../contracts/index.js';
import type { DemoOptions } from '../../../../node/cli/demo/options.js';
import { demoTask } from '../../../../node/cli/demo/task.js';
import { type TaskFile, TaskFileError, taskSpecOf } from '../../../../node/cli/taskFile.js';
import { prepareData, seedFor } from '../../../../node/provision/index.js';

const read = (name: string): string =>
  readFileSync(new URL(`../../../../datasets/${name}`, import.meta.url), 'utf8');
const options: DemoOptions = {
  rounds: 30,
  validators: 4,
  devices: 5,
  attack: null,
  epsilon: 3,
  delta: 1e-4,
  data: null,
  schema: null,
  label: null,
  partition: 'iid',
  seed: '1',
  keep: false,
  json: false,
  dir: null,
};
const data = prepareData({
  csv: read('pima.csv'),
  schema: JSON.parse(read('pima.schema.json')),
  label: null,
  partition: 'iid',
  seed: seedFor('split', '1'),
  devices: 20,
});

function faultOf(file: unknown): string {
  try {
    taskSpecOf(file);
  } catch (error) {
    if (error instanceof TaskFileError) return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('the demo’s task', () => {
  it('is one that the contract takes, with the noise that its ε, δ and rounds need', () => {
    const spec = taskSpecOf(demoTask(options, data));
    expect(checkTask(spec)).toBeNull();
    expect(spec.privacy).toMatchObject({ epsilonMicro: 3_000_000, deltaPico: 100_000_000, clip16: 65_536 });
    expect(spec.privacy.sigma16 / 65_536).toBeCloseTo(6.7, 2);
    expect([spec.devicesMax, spec.quorum, spec.verification.faulty]).toEqual([20, 14, 6]);
    expect(spec.model).toEqual({ inputs: 8, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] });
    expect(spec.publicData).toBe(false);
  });

  it('may move its threshold: what the budget allows is then shared with the count', () => {
    const of = (clipping: TaskFile['clipping']) => taskSpecOf({ ...demoTask(options, data), clipping });
    const fixed = of({});
    for (const rule of ['adaptive', 'quantile'] as const) {
      const spec = of({ rule, min: 0.01, aim: 0.5 });
      expect(checkTask(spec)).toBeNull();
      expect(spec.clipping).toMatchObject({ rule, clipMin16: 655, rate16: 6_554, aim16: 32_768 });
      expect(spec.privacy.sigma16 > fixed.privacy.sigma16).toBe(rule === 'quantile');
      const less = { ...spec, privacy: { ...spec.privacy, sigma16: spec.privacy.sigma16 - 1 } };
      expect(checkTask(less)?.code).toBe('overdraws');
    }
    const searching = of({ rule: 'search' });
    expect(checkTask(searching)).toBeNull();
    const parts = { clipMin16: 655, rate16: 32_768, aim16: 13_107 };
    expect(searching.clipping).toMatchObject({ rule: 'search', ...parts });
    expect(searching.privacy.sigma16).toBeGreaterThan(fixed.privacy.sigma16);
    // A twentieth of ρ: σ grows by 1/√0.95.
    const { privacy, clipping } = of({ rule: 'quantile' });
    expect(privacy.sigma16 / fixed.privacy.sigma16).toBeCloseTo(1 / Math.sqrt(0.95), 4);
    expect(clipping.countSigma16 / fixed.privacy.sigma16).toBeCloseTo(Math.sqrt(20), 4);
    expect(faultOf({ ...demoTask(options, data), clipping: { rule: 'quantile', countSigma: 0.1 } })).toMatch(
      /no noise/,
    );
  });

  it('may protect whole devices, or draw records in secret, with the noise that either needs', () => {
    const whole = taskSpecOf({
      ...demoTask(options, data),
      unit: 'device',
      local: { step: 'fedavg', steps: 5 },
    });
    expect(checkTask(whole)).toBeNull();
    expect([whole.privacy.unit, whole.local.noise]).toEqual(['device', 'once']);
    expect(whole.privacy.sigma16 / 65_536).toBeCloseTo(6.7, 2);
    const drawn = taskSpecOf({ ...demoTask(options, data), local: { rate: 0.1 } });
    expect(checkTask(drawn)).toBeNull();
    expect(drawn.local.rate32).toBe(Math.round(2 ** 32 / 10));
    expect(drawn.privacy.sigma16 / 65_536).toBeLessThan(2);
    const own = { ...demoTask(options, data), privacy: { epsilon: 3, delta: 1e-4, sigma: 7 } };
    expect(taskSpecOf(own).privacy.sigma16).toBe(7 * 65_536);
    expect(checkTask(taskSpecOf({ ...own, privacy: { ...own.privacy, sigma: 6 } }))?.code).toBe('overdraws');
  });

  it('has the least noise that the budget allows', () => {
    const spec = taskSpecOf(demoTask(options, data));
    const less = { ...spec, privacy: { ...spec.privacy, sigma16: spec.privacy.sigma16 - 1 } };
    expect(checkTask(less)?.code).toBe('overdraws');
  });

  it('without ε has no noise and declares the data public', () => {
    const spec = taskSpecOf(demoTask({ ...options, epsilon: null }, data));
    expect(checkTask(spec)).toBeNull();
    expect(spec.privacy).toMatchObject({ epsilonMicro: 0, deltaPico: 0, sigma16: 0 });
    expect(spec.publicData).toBe(true);
    expect(checkTask({ ...spec, publicData: false })?.code).toBe('not-public');
  });

  it('survives being written and read', () => {
    const task = demoTask(options, data);
    expect(taskSpecOf(JSON.parse(JSON.stringify(task)))).toEqual(taskSpecOf(task));
  });
});

describe('taskSpecOf', () => {
  const task: TaskFile = demoTask(options, data);
  const bad: [string, unknown, RegExp][] = [
    ['something else', 7, /the file/],
    ['an unknown field', { ...task, epsilom: 1 }, /epsilom/],
    ['an unknown rule', { ...task, verification: 'majority' }, /verification/],
    ['no rounds', { ...task, rounds: 0 }, /rounds/],
    ['half a budget', { ...task, privacy: { epsilon: 3 } }, /privacy\.delta/],
    ['a schema that is none', { ...task, schema: { features: [] } }, /schema: label/],
    [
      'an unknown layer',
      { ...task, model: { inputs: 8, layers: [{ kind: 'eval', units: 1 }] } },
      /model\.layers\.0/,
    ],
  ];
  it.each(bad)('refuses %s and names the place', (_, file, message) => {
    expect(faultOf(file)).toMatch(message);
  });
});

describe('what does not fit on the chain', () => {
  const over = {
    'model.inputs': { model: { inputs: 100_001, layers: demoTask(options, data).model.layers } },
    'model.layers.0.units': {
      model: { inputs: 8, layers: [{ kind: 'dense', units: 100_001, activation: 'linear' }] },
    },
    'model.layers.0.rate16': { model: { inputs: 8, layers: [{ kind: 'dropout', rate16: 65_536 }] } },
    faulty: { faulty: 1_001 },
    enrolMs: { enrolMs: 30 * 86_400_000 + 1 },
    deadlineMs: { deadlineMs: 30 * 86_400_000 + 1 },
    deadlineBlocks: { deadlineBlocks: 1_000_001 },
    auditHeights: { auditHeights: 2 ** 32 + 1 },
  };

  it.each(Object.entries(over))('is refused with its place: %s', (place, fields) => {
    expect(faultOf({ ...demoTask(options, data), ...fields })).toContain(`task: ${place}: `);
  });
});
