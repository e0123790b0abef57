import { decodeWeights, evaluate, type ModelSpec, parameterCount } from '../../../fl/index.js';
import type { Encoded } from '../../provision/index.js';
import { CliError } from '../failure.js';
import type { NodePool } from '../nodePool.js';
import type { Display } from './display.js';

export interface RoundsOptions {
  readonly nodes: NodePool;
  readonly task: number;
  readonly model: ModelSpec;
  readonly test: Encoded;
  /** Enrolled at the end of enrolment. */
  readonly devices: number;
  readonly display: Display;
  readonly signal: AbortSignal;
}

/** What the rounds of a task came to. */
export interface RoundsOutcome {
  readonly closed: number;
  readonly failed: number;
  /** Test accuracy of the last model. */
  readonly accuracy: number;
  readonly qualified: number;
  readonly refused: number;
  readonly blacklisted: readonly string[];
  /** Mean payload of an update; 0 if there was none. */
  readonly updateBytes: number;
  /** ε that each device has spent, in millionths, with the budget that it declared. Empty: no noise. */
  readonly ledgers: readonly Ledger[];
}

export interface Ledger {
  readonly device: string;
  readonly spentMicro: number;
  readonly boundMicro: number;
}

/** A node answers at the latest after this, changed or not. */
const WAIT_MS = 5_000;

/**
 * Follows a task from enrolment to its end, as its publisher: shows every closed round and evaluates its model
 * on the publisher's test part (a display of its own, off chain).
 *
 * Throws CliError "check-failed" if the task fails; rejects when the signal aborts.
 */
export async function followRounds(options: RoundsOptions): Promise<RoundsOutcome> {
  await enrolled(options);
  const { nodes, task, signal, display } = options;
  display.update({ phase: 'training' });
  const progress = new Progress(options);
  for (;;) {
    signal.throwIfAborted();
    const from = progress.rounds + 1;
    const rounds = await nodes.use((client) => client.call('task.rounds', { task, from, waitMs: WAIT_MS }));
    for (const round of rounds) await progress.take(round);
    if (rounds.length > 0) continue;
    const { status } = await nodes.use((client) => client.call('task.get', { task }));
    if (status === 'done' || status === 'failed' || status === 'withdrawn') {
      // A round may have closed between the two answers.
      const rest = await nodes.use((client) =>
        client.call('task.rounds', { task, from: progress.rounds + 1 }),
      );
      for (const round of rest) await progress.take(round);
      return progress.outcome();
    }
  }
}

async function enrolled({ nodes, task, devices, display, signal }: RoundsOptions): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const { status, enrolled: list } = await nodes.use((client) => client.call('task.get', { task }));
    if (status === 'failed') {
      throw new CliError(
        'check-failed',
        `only ${list.length} of ${devices} devices enrolled, fewer than the quorum`,
      );
    }
    if (status !== 'enrolling') return;
    display.update({ phase: `enrolling devices: ${list.length} of ${devices}` });
    // Waits for the first round to close or for the time, whichever comes first.
    await nodes.use((client) => client.call('task.current', { task, waitMs: 500, afterRound: 0 }));
  }
}

/** The part of task.rounds' answer that is shown. */
interface ClosedRound {
  readonly round: number;
  readonly status: 'closed' | 'searched' | 'failed';
  readonly verdicts: readonly {
    readonly name: string;
    readonly qualified: boolean;
    readonly blacklisted: boolean;
  }[];
  readonly weights: { readonly id: string };
  readonly updates: number | null;
  /** Of one on average. */
  readonly updateBytes: number | null;
}

/** Adds up the rounds in the order in which they closed. */
class Progress {
  rounds = 0;
  readonly #options: RoundsOptions;
  readonly #accuracies: number[] = [];
  readonly #blacklisted = new Set<string>();
  #closed = 0;
  #qualified = 0;
  #refused = 0;
  #updates = 0;
  #updateBytes = 0;

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  async take(round: ClosedRound): Promise<void> {
    const { display } = this.#options;
    this.rounds = round.round;
    if (round.status !== 'failed') this.#closed++;
    for (const { name, qualified, blacklisted } of round.verdicts) {
      if (qualified) this.#qualified++;
      else this.#refused++;
      if (blacklisted) this.#blacklisted.add(name);
    }
    if (round.updates !== null && round.updateBytes !== null) {
      this.#updates += round.updates;
      this.#updateBytes += round.updates * round.updateBytes;
    }
    this.#accuracies.push(await this.#accuracyOf(round.weights.id));
    display.update({
      round: round.round,
      accuracies: [...this.#accuracies],
      qualified: this.#qualified,
      refused: this.#refused,
      blacklisted: [...this.#blacklisted],
      epsilonSpent: await this.#epsilonSpent(),
    });
  }

  async outcome(): Promise<RoundsOutcome> {
    const { nodes, task } = this.#options;
    return {
      closed: this.#closed,
      failed: this.rounds - this.#closed,
      accuracy: this.#accuracies.at(-1) ?? 0,
      qualified: this.#qualified,
      refused: this.#refused,
      blacklisted: [...this.#blacklisted].sort(),
      updateBytes: this.#updates === 0 ? 0 : this.#updateBytes / this.#updates,
      ledgers: await readLedgers(nodes, task),
    };
  }

  async #accuracyOf(id: string): Promise<number> {
    const { nodes, model, test } = this.#options;
    const { bytes } = await nodes.use((client) => client.call('payload.get', { id }));
    const weights = decodeWeights(Buffer.from(bytes, 'base64'), parameterCount(model));
    if (weights === null) throw new CliError('check-failed', `the model ${id} is not one of this task`);
    return evaluate(model, weights, test.x, test.y).accuracy;
  }

  /** Every device of the task spends alike, round by round: one of them tells. */
  async #epsilonSpent(): Promise<number> {
    const { nodes, task } = this.#options;
    const [first] = await readLedgers(nodes, task, 1);
    return first === undefined ? 0 : first.spentMicro / 1e6;
  }
}

/** The privacy ledgers of a task's devices as the chain keeps them; of the first `count` if given. */
async function readLedgers(nodes: NodePool, task: number, count?: number): Promise<readonly Ledger[]> {
  const { enrolled: list, spec } = await nodes.use((client) => client.call('task.get', { task }));
  if (spec.privacy.sigma16 === 0) return [];
  return Promise.all(
    list.slice(0, count).map(async ({ device, name, dataset }) => {
      const ledger = await nodes.use((client) => client.call('privacy.ledger', { device, dataset }));
      return { device: name, spentMicro: ledger.epsilonSpentMicro, boundMicro: ledger.epsilonMicro };
    }),
  );
}
