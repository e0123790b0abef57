import { bytesToHex } from '../../crypto/index.js';
import { TrainerError, TrainerPool } from '../../fl/trainer/index.js';
import { type JobName, jobOf } from './trainJobs.js';

/** What the test asks of the page. Refusals come as their codes: errors do not cross from a page into a test. */
export interface Trained {
  readonly update: string;
  readonly loss: number;
  readonly clippedShare: number;
}

const pool = new TrainerPool({ threads: 1, queueMax: 4 });

async function train(name: JobName, sigma16: number): Promise<Trained> {
  const { update, ...about } = await pool.train(jobOf(name, sigma16));
  return { update: bytesToHex(update), ...about };
}

async function refusal(name: JobName): Promise<string> {
  const job = jobOf(name, 0);
  try {
    await pool.train({ ...job, weights: job.weights.subarray(1) });
    return 'none';
  } catch (error) {
    return error instanceof TrainerError ? error.code : String(error);
  }
}

/** What becomes of a job whose worker is taken away while it runs. */
async function closed(name: JobName): Promise<string> {
  const other = new TrainerPool({ threads: 1, queueMax: 0 });
  const work = other.train(jobOf(name, 0)).then(
    () => 'trained',
    (error: unknown) => (error instanceof TrainerError ? error.code : String(error)),
  );
  await other.close();
  return work;
}

/** What is used of a page; the project is compiled without the types of one. */
const page = globalThis as unknown as {
  readonly document: { readonly documentElement: { readonly dataset: Record<string, string> } };
  trainer: { train: typeof train; refusal: typeof refusal; closed: typeof closed };
};
page.trainer = { train, refusal, closed };
page.document.documentElement.dataset.ready = 'yes';
