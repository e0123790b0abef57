import { bytesToHex } from '../crypto/index.js';
import type { Clock } from './driver/clock.js';
import { type ConsensusMessage, encodeMessage } from './driver/message.js';

type Status = Extract<ConsensusMessage, { kind: 'status' }>['status'];

/** A quiet network says little: to take in each other's word once a second took idle nodes half of their time. */
const QUIET_MS = 4_000;

export interface StatusTellerOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly status: () => Status;
  /** Something is being agreed on: whoever missed a vote or a period has to learn of it soon. */
  readonly isAgreeing: () => boolean;
  readonly publish: (message: Uint8Array) => void;
}

/** Says where a node stands. By the clock that nobody sets back: that must not silence it. */
export class StatusTeller {
  readonly #options: StatusTellerOptions;
  #saidAt = Number.NEGATIVE_INFINITY;
  #said: Status | null = null;

  constructor(options: StatusTellerOptions) {
    this.#options = options;
  }

  /** Called every second: says it, unless nobody can have missed anything since it was said. */
  tick(): void {
    const { clock, status, isAgreeing } = this.#options;
    const isQuiet = !isAgreeing() && this.#said !== null && isSame(this.#said, status());
    if (!isQuiet || clock.monotonic() - this.#saidAt >= QUIET_MS) this.say();
  }

  /** At once, as for a new link, over which nothing was said yet. */
  say(): void {
    const { clock, status, publish } = this.#options;
    this.#saidAt = clock.monotonic();
    this.#said = status();
    publish(encodeMessage({ kind: 'status', status: this.#said }));
  }
}

function isSame(a: Status, b: Status): boolean {
  return a.height === b.height && a.period === b.period && bytesToHex(a.hash) === bytesToHex(b.hash);
}
