import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from './cluster.js';
import { open } from './links.js';
import type { Episode, Fault, FaultKind, PlannedFault } from './plan.js';

export interface NemesisOptions {
  readonly cluster: Cluster;
  readonly say: (line: string) => void;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Carries out episodes of faults on a cluster. Keeps what the checker has to know: who was killed when. */
export class Nemesis {
  readonly kills: { readonly node: number; readonly at: number }[] = [];
  readonly counts: Partial<Record<FaultKind, number>> = {};
  /** From the start of a killed node's process until it answers. */
  readonly restartMs: number[] = [];
  readonly #options: NemesisOptions;
  readonly #killed = new Set<number>();
  readonly #paused = new Set<number>();
  readonly #skews = new Map<number, number>();

  constructor(options: NemesisOptions) {
    this.#options = options;
  }

  get injected(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }

  /** Resolves when every fault of the episode is over: all nodes run, all links are open, all clocks are right. */
  async play({ faults, beyond }: Episode): Promise<void> {
    const { say } = this.#options;
    say(`episode${beyond ? ' beyond f' : ''}: ${faults.map(({ fault }) => describe(fault)).join(', ')}`);
    const results = await Promise.allSettled(faults.map((planned) => this.#play(planned)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #play({ fault, atMs, forMs }: PlannedFault): Promise<void> {
    await this.#pause(atMs);
    if (this.#options.signal.aborted) return;
    const undo = await this.#inject(fault);
    if (undo === null) return;
    this.counts[fault.kind] = (this.counts[fault.kind] ?? 0) + 1;
    try {
      await this.#pause(forMs);
    } finally {
      await undo();
    }
  }

  /** Null: it is not possible now, since the node is down already. */
  async #inject(fault: Fault): Promise<(() => unknown) | null> {
    const { cluster } = this.#options;
    const { links } = cluster;
    switch (fault.kind) {
      case 'kill':
        return this.#kill(fault.node);
      case 'pause':
        return this.#stop(fault.node);
      case 'partition': {
        const inside = (node: number) => fault.side.includes(node);
        return links.hold((from, to) => inside(from) !== inside(to), { ...open, cut: fault.how });
      }
      case 'one-way':
        return links.hold((from, to) => from === fault.from && fault.to.includes(to), {
          ...open,
          cut: 'silent',
        });
      case 'delay':
        return this.#delayLinks(fault.node, fault.ms);
      case 'drop':
        return this.#dropLinks(fault.node, fault.everyMs);
      case 'skew':
        return this.#bendClock(fault.node, fault.ms);
      default:
        return fault satisfies never;
    }
  }

  /** Also of one that is paused. */
  async #kill(node: number): Promise<(() => Promise<void>) | null> {
    const { cluster, now } = this.#options;
    if (this.#killed.has(node)) return null;
    this.#killed.add(node);
    this.kills.push({ node, at: now() });
    await cluster.kill(node);
    return async () => {
      const begun = now();
      await cluster.start(node);
      this.restartMs.push(now() - begun);
      this.#killed.delete(node);
    };
  }

  #stop(node: number): (() => void) | null {
    const { cluster } = this.#options;
    if (this.#killed.has(node) || this.#paused.has(node)) return null;
    this.#paused.add(node);
    cluster.pause(node);
    return () => {
      cluster.resume(node);
      this.#paused.delete(node);
    };
  }

  #delayLinks(node: number, [low, high]: readonly [number, number]): () => void {
    const { links, members } = this.#options.cluster;
    const spread = (high - low) / Math.max(1, members - 1);
    const undos = Array.from({ length: members }, (_, other) =>
      links.hold((from, to) => (from === node && to === other) || (from === other && to === node), {
        ...open,
        delayMs: low + spread * other,
      }),
    );
    return () => {
      for (const undo of undos) undo();
    };
  }

  #dropLinks(node: number, everyMs: number): () => void {
    const { links } = this.#options.cluster;
    const drop = () => links.break((from, to) => from === node || to === node);
    drop();
    const timer = setInterval(drop, everyMs);
    return () => clearInterval(timer);
  }

  /** Skews of one node add up. */
  #bendClock(node: number, ms: number): () => void {
    const { cluster } = this.#options;
    const add = (more: number) => {
      const sum = (this.#skews.get(node) ?? 0) + more;
      this.#skews.set(node, sum);
      cluster.skew(node, sum);
    };
    add(ms);
    return () => add(-ms);
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#options.signal }).catch(() => {}); // ended early: undo what was done
  }
}

export function describe(fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
    case 'pause':
      return `${fault.kind} ${fault.node}`;
    case 'partition':
      return `partition ${fault.side.join('+')} (${fault.how})`;
    case 'one-way':
      return `one-way ${fault.from} to ${fault.to.join('+')}`;
    case 'delay':
      return `delay ${fault.node} by ${fault.ms.join('..')} ms`;
    case 'drop':
      return `drop ${fault.node} every ${fault.everyMs} ms`;
    case 'skew':
      return `skew ${fault.node} by ${fault.ms} ms`;
    default:
      return fault satisfies never;
  }
}
