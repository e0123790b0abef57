import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createGrid, decodeUpdate, type ModelSpec } from '../../fl/index.js';

/** The built files: a worker thread is started from them, so `npm run build` comes first (npm test does it). */
const trainer: typeof import('../../fl/trainer/index.js') = await import(
  new URL('../../dist/fl/trainer/index.js', import.meta.url).href
);
const { TrainerPool, CRASHES_MAX, DESCEND_STEPS_MAX, gradientSum, startBackend, trainStep } = trainer;

const model: ModelSpec = { inputs: 2, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] };
const batch = {
  model,
  weights: Float32Array.from([0.5, -0.25, 0.125]),
  x: Float32Array.from([1, 2, -1, 0.5, 0.25, -2]),
  y: Float32Array.from([1, 0, 1]),
};
const job = { ...batch, grid: createGrid({ dimension: 3, clip16: 65_536, sigma16: 0 }) };
/** Hours of work on any machine. */
const endless = {
  ...batch,
  x: new Float32Array(2 * 100_000).fill(0.5),
  y: new Float32Array(100_000),
  learningRate: 1e-6,
  steps: DESCEND_STEPS_MAX,
};
/** A bug in the caller, not an expected error: the worker dies of it. */
const deadly = { ...job, grid: null as never };

let pool: InstanceType<typeof TrainerPool>;
function open(options: ConstructorParameters<typeof TrainerPool>[0]): typeof pool {
  pool = new TrainerPool(options);
  return pool;
}
afterEach(() => (pool as typeof pool | undefined)?.close());

/** The promise's failure; called at once, so that no rejection is unhandled while another is awaited. */
function failsWith(promise: Promise<unknown>, code: string): Promise<void> {
  return expect(promise).rejects.toMatchObject({ name: 'TrainerError', code });
}

describe('TrainerPool', () => {
  it('trains in its threads as trainStep does here, job after job', async () => {
    open({ threads: 2, queueMax: 100 });
    await startBackend();
    const here = trainStep(job, () => new Uint8Array());
    const there = await Promise.all(Array.from({ length: 10 }, () => pool.train(job)));
    for (const result of there) expect(result).toEqual(here);
    const grid = createGrid({ dimension: 3, clip16: 65_536, sigma16: 65_536 });
    const noised = await Promise.all([pool.train({ ...job, grid }), pool.train({ ...job, grid })]);
    for (const { update } of noised) expect(decodeUpdate(update, grid).ok).toBe(true);
  });

  it('has no thread before there is work, no more than that needs, and none when there was none for a while', async () => {
    open({ threads: 2, queueMax: 2, idleMs: 20 });
    expect(pool.threads).toBe(0);
    await pool.train(job);
    expect(pool.threads).toBe(1);
    const three = [pool.train(job), pool.train(job), pool.train(job)];
    expect(pool.threads).toBe(2);
    await Promise.all(three);
    await vi.waitFor(() => expect(pool.threads).toBe(0), 10_000);
    pool.prepare();
    expect(pool.threads).toBe(2);
    expect((await pool.train(job)).update.length).toBeGreaterThan(0);
    await vi.waitFor(() => expect(pool.threads).toBe(0), 10_000);
  });

  it('ends no thread that works, however long', async () => {
    open({ threads: 2, queueMax: 0, idleMs: 1 });
    const long = pool.descend({ ...endless, steps: 40 });
    expect((await pool.train(job)).update.length).toBeGreaterThan(0);
    expect((await long).length).toBe(3);
  });

  // Elsewhere a priority is that of the whole process, and stays.
  it.runIf(process.platform === 'linux').each([0, 15])(
    'trains behind the thread that votes, and never before what the node was given: nice %i',
    async (nice) => {
      const program = `
      import { readdirSync, readFileSync } from 'node:fs';
      import { TrainerPool } from ${JSON.stringify(new URL('../../dist/fl/trainer/index.js', import.meta.url).href)};
      const pool = new TrainerPool({ threads: 1, queueMax: 1 });
      const model = { inputs: 1, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] };
      const batch = { model, weights: new Float32Array(2), x: new Float32Array(1), y: new Float32Array(1) };
      await pool.descend({ ...batch, learningRate: 1, steps: 1 });
      const niceOf = (thread) => {
        const text = readFileSync('/proc/self/task/' + thread + '/stat', 'latin1');
        return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[16]);
      };
      console.log(JSON.stringify([...new Set(readdirSync('/proc/self/task').map(niceOf))].sort((a, b) => a - b)));
      await pool.close();`;
      const folder = mkdtempSync(join(tmpdir(), 'consilium-nice-'));
      const file = join(folder, 'train.mjs');
      writeFileSync(file, program);
      const run = promisify(execFile)('nice', ['-n', `${nice}`, process.execPath, file], { timeout: 60_000 });
      const { stdout } = await run.finally(() => rmSync(folder, { recursive: true }));
      const given = Math.min(19, getPriority() + nice);
      expect(JSON.parse(stdout)).toEqual(given < 10 ? [given, 10] : [given]);
    },
  );

  it('computes the central baseline', async () => {
    open({ threads: 1, queueMax: 1 });
    const weights = await pool.descend({ ...batch, learningRate: 0.3, steps: 1 });
    await startBackend();
    const { sum } = gradientSum(batch, 2 ** 31 - 1);
    expect([...weights]).toEqual([...batch.weights].map((w, i) => expect.closeTo(w - 0.1 * sum[i]!, 6)));
  });

  it('rejects a bad job by its code and goes on with the same thread', async () => {
    open({ threads: 1, queueMax: 1 });
    for (let count = 0; count <= CRASHES_MAX; count++) {
      await failsWith(pool.train({ ...job, x: job.x.map(() => Number.NaN) }), 'not-finite');
      await failsWith(pool.train({ ...job, y: job.y.map(() => 2) }), 'bad-job');
    }
    expect((await pool.train(job)).update.length).toBeGreaterThan(0);
  });

  it('bounds its queue', async () => {
    open({ threads: 1, queueMax: 2 });
    const taken = [pool.train(job), pool.train(job), pool.train(job)];
    await failsWith(pool.train(job), 'queue-full');
    await Promise.all(taken);
    await pool.train(job);
  });

  it('rejects the job whose thread died, replaces the thread, and does the jobs behind', async () => {
    open({ threads: 1, queueMax: 2 });
    // A job done in between forgives: more crashes than the bound, but never in a row.
    for (let count = 0; count <= CRASHES_MAX; count++) {
      const [dead, next] = [failsWith(pool.train(deadly), 'worker-crashed'), pool.train(job)];
      await dead;
      expect((await next).update.length).toBeGreaterThan(0);
    }
  });

  it('gives up after as many crashes in a row as it bears, for the waiting jobs too', async () => {
    open({ threads: 1, queueMax: 100 });
    const dead = Array.from({ length: CRASHES_MAX }, () => failsWith(pool.train(deadly), 'worker-crashed'));
    const behind = failsWith(pool.train(job), 'worker-crashed');
    await Promise.all([...dead, behind]);
    await failsWith(pool.train(job), 'worker-crashed');
  });

  it('gives up a job that takes too long, and replaces its thread', async () => {
    open({ threads: 1, queueMax: 1, jobTimeoutMs: 5_000 });
    const slow = failsWith(pool.descend(endless), 'timed-out');
    const behind = pool.train(job);
    await slow;
    expect((await behind).update.length).toBeGreaterThan(0);
  });

  it('closes: what runs and waits is rejected, nothing more is taken, twice is once', async () => {
    open({ threads: 1, queueMax: 1 });
    const rejections = [failsWith(pool.descend(endless), 'closed'), failsWith(pool.train(job), 'closed')];
    await pool.close();
    await Promise.all(rejections);
    await failsWith(pool.train(job), 'closed');
    await pool.close();
  });

  it.each([
    { threads: 0, queueMax: 1 },
    { threads: 1.5, queueMax: 1 },
    { threads: 1, queueMax: -1 },
    { threads: 1, queueMax: 1, jobTimeoutMs: 0 },
    { threads: 1, queueMax: 1, idleMs: 0 },
  ])('takes no options out of range: %j', (options) => {
    expect(() => new TrainerPool(options)).toThrow(RangeError);
  });
});
