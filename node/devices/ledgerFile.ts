import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeWhole } from '../wholeFile.js';
import { DeviceError } from './error.js';

const entrySchema = z.strictObject({
  task: z.number().int().min(1),
  round: z.number().int().min(1),
  rho: z.string().regex(/^\d{1,20}$/),
  /** Name of the file that holds the update, so that a re-send is the same bytes. */
  update: z.string().regex(/^update-\d+-\d+\.bin$/),
});
const answerSchema = z.strictObject({
  evaluation: z.number().int().min(1),
  rho: z.string().regex(/^\d{1,20}$/),
  answer: z.string().regex(/^answer-\d+\.bin$/),
});
const ledgerSchema = z.strictObject({
  version: z.literal(1),
  dataset: z.string().regex(/^[0-9a-f]{64}$/),
  rhoCap: z.string().regex(/^\d{1,20}$/),
  rhoSpent: z.string().regex(/^\d{1,20}$/),
  charges: z.number().int().min(0),
  /** The newest charge of each task. */
  latest: z.array(entrySchema).max(10_000),
  /** What was answered to each evaluation. */
  answers: z.array(answerSchema).max(10_000).default([]),
});
type LedgerState = z.infer<typeof ledgerSchema>;

const FILE = 'ledger.json';

/**
 * A device's own record of what it has spent, kept beside the chain's.
 *
 * A round is charged, and its update on disk, before the first byte leaves; a round that was charged is never
 * trained again, only the same bytes are sent again. Unit: ρ in 2^-40.
 */
export class LedgerFile {
  readonly #folder: string;
  #state: LedgerState;
  /** Tasks run at the same time, and each charge rests on the one before. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, state: LedgerState) {
    this.#folder = folder;
    this.#state = state;
  }

  /** Opens the ledger of a dataset, or begins it. Throws DeviceError "other-dataset", "bad-ledger". */
  static async open(folder: string, dataset: string, rhoCap: bigint): Promise<LedgerFile> {
    const text = await readFile(join(folder, FILE), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (text === null) {
      const fresh = {
        version: 1,
        dataset,
        rhoCap: String(rhoCap),
        rhoSpent: '0',
        charges: 0,
      } as const;
      return new LedgerFile(folder, { ...fresh, latest: [], answers: [] });
    }
    const parsed = ledgerSchema.safeParse(parseJson(text));
    if (!parsed.success) {
      throw new DeviceError(
        'bad-ledger',
        `${join(folder, FILE)} is damaged: restore it from a backup; without it the budget is unknown`,
      );
    }
    if (parsed.data.dataset !== dataset) {
      throw new DeviceError(
        'other-dataset',
        `${join(folder, FILE)} belongs to other data: new data needs a device folder of its own`,
      );
    }
    return new LedgerFile(folder, parsed.data);
  }

  get rhoSpent(): bigint {
    return BigInt(this.#state.rhoSpent);
  }

  /** The newest round that was charged for a task; 0 before the first. */
  lastRound(task: number): number {
    return this.#state.latest.find((entry) => entry.task === task)?.round ?? 0;
  }

  /** The update that was charged for this round, or null: it has not been trained yet. */
  async update(task: number, round: number): Promise<Uint8Array | null> {
    const entry = this.#state.latest.find((each) => each.task === task && each.round === round);
    return entry === undefined ? null : new Uint8Array(await readFile(join(this.#folder, entry.update)));
  }

  /** The answer that was charged for this evaluation, or null: nothing was counted for it yet. */
  async answer(evaluation: number): Promise<Uint8Array | null> {
    const entry = this.#state.answers.find((each) => each.evaluation === evaluation);
    return entry === undefined ? null : new Uint8Array(await readFile(join(this.#folder, entry.answer)));
  }

  /** As `charge`, for the answer to an evaluation: one for good. */
  chargeAnswer(evaluation: number, rho: bigint, answer: Uint8Array): Promise<void> {
    return this.#inTurn(() => this.#chargeAnswer(evaluation, rho, answer));
  }

  /**
   * Puts the update on disk, then the charge. Throws DeviceError "budget-exhausted", changing nothing.
   * `rho` 0: a round on public data, without noise.
   */
  charge(task: number, round: number, rho: bigint, update: Uint8Array): Promise<void> {
    return this.#inTurn(() => this.#charge(task, round, rho, update));
  }

  #inTurn(charge: () => Promise<void>): Promise<void> {
    const charged = this.#last.then(charge);
    this.#last = charged.catch(() => {}); // whoever asked for it hears of it
    return charged;
  }

  async #charge(task: number, round: number, rho: bigint, update: Uint8Array): Promise<void> {
    const spent = this.#spentWith(rho, `round ${round} of task ${task}`);
    // A name of its own: after a crash between the two writes the round before must still have its own bytes.
    const name = `update-${task}-${round}.bin`;
    await writeWhole(join(this.#folder, name), update);
    const others = this.#state.latest.filter((entry) => entry.task !== task);
    const before = this.#state.latest.find((entry) => entry.task === task);
    const next = {
      ...this.#state,
      rhoSpent: String(spent),
      charges: this.#state.charges + 1,
      latest: [...others, { task, round, rho: String(rho), update: name }],
    };
    await this.#write(next);
    if (before !== undefined && before.update !== name) {
      await rm(join(this.#folder, before.update), { force: true });
    }
  }

  async #chargeAnswer(evaluation: number, rho: bigint, answer: Uint8Array): Promise<void> {
    if (this.#state.answers.some((entry) => entry.evaluation === evaluation))
      throw new Error(`bug: evaluation ${evaluation} was answered already`);
    const spent = this.#spentWith(rho, `evaluation ${evaluation}`);
    const name = `answer-${evaluation}.bin`;
    await writeWhole(join(this.#folder, name), answer);
    await this.#write({
      ...this.#state,
      rhoSpent: String(spent),
      charges: this.#state.charges + 1,
      answers: [...this.#state.answers, { evaluation, rho: String(rho), answer: name }],
    });
  }

  /** Throws DeviceError "budget-exhausted". */
  #spentWith(rho: bigint, what: string): bigint {
    const spent = this.rhoSpent + rho;
    if (spent <= BigInt(this.#state.rhoCap)) return spent;
    throw new DeviceError('budget-exhausted', `${what} would overdraw this device's budget`);
  }

  async #write(next: LedgerState): Promise<void> {
    await writeWhole(join(this.#folder, FILE), new TextEncoder().encode(`${JSON.stringify(next)}\n`));
    this.#state = next;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
