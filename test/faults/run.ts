import { setMaxListeners } from 'node:events';
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { bytesToHex, publicKeyOf } from '../../crypto/index.js';
import { exportChain, verifyExport } from '../../node/export/index.js';
import { type Checked, checkHistory } from './checker.js';
import { type Cluster, createCluster, type Fabric } from './cluster.js';
import type { History, Looked, Seen } from './history.js';
import { runLoad } from './load.js';
import { Nemesis } from './nemesis.js';
import { allReached, headOf, type ObserveOptions, readChain, recovery, watchHeads } from './observe.js';
import { type FaultKind, faultKinds, planEpisodes } from './plan.js';
import { publishTraining, type Rounds, roundsOf } from './training.js';

export interface FaultsOptions {
  readonly seed: number;
  readonly members: number;
  /** How long faults are injected; starting, the last recovery and the checks come on top. */
  readonly seconds: number;
  readonly accounts: number;
  readonly training: boolean;
  readonly fabric: Fabric;
  readonly recoverMs: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface FaultsReport {
  readonly seed: number;
  readonly members: number;
  readonly seconds: number;
  readonly training: boolean;
  readonly fabric: Fabric;
  readonly faults: number;
  readonly faultsByKind: Readonly<Partial<Record<FaultKind, number>>>;
  readonly episodes: number;
  readonly episodesBeyond: number;
  readonly checked: Omit<Checked, 'findings'>;
  /** From healing until every node holds a new block above the highest head of then. */
  readonly recoveryMs: Quantiles;
  /** From a killed node's start until it answers. */
  readonly restartMs: Quantiles;
  /** Of the task that the hospitals trained; null: none. */
  readonly rounds: Rounds | null;
  readonly audited: boolean;
  /** How busy the machine was: how late this process's own timers fired, and the load of the last minute. */
  readonly machine: {
    readonly timerLateMsP99: number;
    readonly timerLateMsMax: number;
    readonly load: number;
  };
  readonly findings: readonly string[];
  /** Kept if there are findings; else null. */
  readonly folder: string | null;
}

export interface Quantiles {
  readonly count: number;
  readonly p50: number | null;
  readonly max: number | null;
}

/** However long a network takes to come together: beyond that the run ends with a finding. */
const STALLED_MS = 90_000;
const SETTLE_MS = 60_000;
const CALM_MS = 300;

/** Namespaces lose packets both ways; what hits single bytes or one direction needs the proxies. */
const kindsOf: Readonly<Record<Fabric, readonly FaultKind[]>> = {
  proxies: faultKinds,
  namespaces: ['kill', 'pause', 'partition', 'skew'],
};

/** One experiment from provisioning to the checks. Never leaves a process behind. */
export async function runFaults(options: FaultsOptions): Promise<FaultsReport> {
  const cluster = await createCluster(options);
  let keep = true;
  try {
    const report = await new Experiment(options, cluster).run();
    keep = report.folder !== null;
    return report;
  } catch (error) {
    if (!options.signal.aborted) options.say(`the run broke; logs in ${cluster.folder}`);
    throw error;
  } finally {
    await cluster.close(keep && !options.signal.aborted);
  }
}

class Experiment {
  readonly #options: FaultsOptions;
  readonly #cluster: Cluster;
  readonly #nemesis: Nemesis;
  readonly #seen: Seen[] = [];
  readonly #findings: string[] = [];
  readonly #recoveries: number[] = [];
  readonly #begun = performance.now();
  readonly #lateness = monitorEventLoopDelay({ resolution: 20 });
  #task: number | null = null;
  #episodes = 0;
  #beyond = 0;

  constructor(options: FaultsOptions, cluster: Cluster) {
    this.#options = options;
    this.#cluster = cluster;
    const { signal } = options;
    setMaxListeners(0, signal); // as many as there are waits
    this.#lateness.enable();
    this.#nemesis = new Nemesis({ cluster, now: this.#now, signal, say: this.#say });
  }

  async run(): Promise<FaultsReport> {
    const { signal } = this.#options;
    await Promise.all(this.#cluster.clients.map((_, node) => this.#cluster.start(node)));
    this.#say('all nodes are ready');
    const stopLoad = new AbortController();
    const abandon = new AbortController();
    const either = AbortSignal.any([abandon.signal, signal]);
    setMaxListeners(0, either, stopLoad.signal);
    const record = (seen: Seen) => this.#seen.push(seen);
    const load = runLoad({
      cluster: this.#cluster,
      seed: this.#options.seed,
      now: this.#now,
      record,
      killedSince: (node, at) => this.#nemesis.kills.some((kill) => kill.node === node && kill.at >= at),
      stop: stopLoad.signal,
      abandon: either,
    });
    const heads = watchHeads(this.#observing(either), record);
    // A bug in either ends the run at once, not at its end.
    const broken = Promise.all([load, heads]);
    try {
      await Promise.race([this.#injectAll(), broken]);
      stopLoad.abort();
      await Promise.race([load, delay(SETTLE_MS, undefined, { signal: abandon.signal }).catch(() => {})]);
    } finally {
      abandon.abort();
      await broken;
    }
    signal.throwIfAborted();
    return this.#judge();
  }

  async #injectAll(): Promise<void> {
    const { seed, members, fabric, training, seconds, signal, recoverMs } = this.#options;
    // Before anything is broken, it works.
    if (!(await this.#recover('the start', STALLED_MS))) return;
    if (training) this.#task = await publishTraining(this.#cluster);
    const end = this.#now() + 1_000 * seconds;
    for (const episode of planEpisodes(seed, { members, kinds: kindsOf[fabric] })) {
      if (this.#now() >= end || signal.aborted) return;
      this.#episodes += 1;
      if (episode.beyond) this.#beyond += 1;
      await this.#nemesis.play(episode);
      if (!(await this.#recover(`episode ${this.#episodes}`, recoverMs))) return;
      await delay(CALM_MS);
    }
  }

  /** False: the network does not come together at all. */
  async #recover(after: string, boundMs: number): Promise<boolean> {
    const took = await recovery(this.#observing(this.#options.signal), STALLED_MS);
    if (took === null) {
      if (this.#options.signal.aborted) return false;
      this.#find(`stalled: after ${after} the nodes were not level within ${STALLED_MS} ms`);
      return false;
    }
    this.#say(`level ${Math.round(took)} ms after ${after}`);
    if (this.#episodes > 0) this.#recoveries.push(took);
    if (took > boundMs) this.#find(`slow-recovery: level only ${Math.round(took)} ms after ${after}`);
    return true;
  }

  async #judge(): Promise<FaultsReport> {
    const observing = this.#observing(this.#options.signal);
    const heads = await Promise.all(this.#cluster.clients.map((_, node) => headOf(observing, node)));
    const height = Math.max(...this.#seen.map((seen) => (seen.kind === 'head' ? seen.height : 0)));
    const highest = Math.max(height, ...heads.map((head) => head?.height ?? 0));
    if (!(await allReached(observing, highest, STALLED_MS))) {
      this.#find(`stalled: in the end not every node reached height ${highest}`);
    }
    this.#say(`reading ${highest} blocks from every node`);
    const chains = await Promise.all(this.#cluster.clients.map((client) => readChain(client, highest)));
    await this.#lookAgain();
    const history: History = {
      seen: this.#seen,
      kills: this.#nemesis.kills,
      chains,
      senders: this.#cluster.accounts.map(({ secret }) => bytesToHex(publicKeyOf(secret))),
      genesis: bytesToHex(this.#cluster.network.chainId),
    };
    const { findings, ...checked } = checkHistory(history);
    for (const { rule, detail } of findings) this.#find(`${rule}: ${detail}`);
    for (const crash of this.#cluster.crashes) this.#find(`crashed: ${crash}`);
    const audited = await this.#audit();
    const rounds = this.#task === null ? null : await roundsOf(this.#cluster.clients[0]!, this.#task);
    if (this.#findings.length > 0) this.#keep(history);
    return this.#report(checked, audited, rounds);
  }

  /** Every transaction that was ever handed in, asked for once more; each at another node. */
  async #lookAgain(): Promise<void> {
    const txs = [...new Set(this.#seen.flatMap((seen) => (seen.kind === 'submitted' ? [seen.tx] : [])))];
    const { clients } = this.#cluster;
    const ask = async (node: number): Promise<void> => {
      for (const tx of txs.filter((_, i) => i % clients.length === node)) {
        const start = this.#now();
        const found = await clients[node]!.call('tx.get', { hash: tx });
        const place =
          found.status === 'committed' ? { height: found.height, index: found.index, ok: found.ok } : null;
        const looked: Looked = { kind: 'looked', client: -1, node, tx, start, end: this.#now(), place };
        this.#seen.push(looked);
      }
    };
    await Promise.all(clients.map((_, node) => ask(node)));
  }

  async #audit(): Promise<boolean> {
    const file = join(this.#cluster.folder, 'chain.car');
    await exportChain({ url: this.#cluster.clients[0]!.url, file });
    const { ok, divergence } = await verifyExport({ file, genesisFile: this.#cluster.network.genesisFile });
    if (!ok) this.#find(`audit: ${JSON.stringify(divergence)}`);
    return ok;
  }

  /** What repeats the checks without the run. */
  #keep(history: History): void {
    const lines = history.seen.map((seen) => JSON.stringify(seen));
    writeFileSync(join(this.#cluster.folder, 'seen.jsonl'), `${lines.join('\n')}\n`);
    writeFileSync(join(this.#cluster.folder, 'kills.json'), JSON.stringify(history.kills));
    writeFileSync(join(this.#cluster.folder, 'chains.json'), JSON.stringify(history.chains));
    writeFileSync(join(this.#cluster.folder, 'findings.txt'), `${this.#findings.join('\n')}\n`);
  }

  #report(checked: Omit<Checked, 'findings'>, audited: boolean, rounds: Rounds | null): FaultsReport {
    const { seed, members, seconds, training, fabric } = this.#options;
    return {
      seed,
      members,
      seconds,
      training,
      fabric,
      faults: this.#nemesis.injected,
      faultsByKind: this.#nemesis.counts,
      episodes: this.#episodes,
      episodesBeyond: this.#beyond,
      checked,
      recoveryMs: quantiles(this.#recoveries),
      restartMs: quantiles(this.#nemesis.restartMs),
      rounds,
      audited,
      machine: {
        timerLateMsP99: Math.round(this.#lateness.percentile(99) / 1e6),
        timerLateMsMax: Math.round(this.#lateness.max / 1e6),
        load: Number(loadavg()[0]!.toFixed(1)),
      },
      findings: this.#findings,
      folder: this.#findings.length > 0 ? this.#cluster.folder : null,
    };
  }

  #observing(signal: AbortSignal): ObserveOptions {
    return { clients: this.#cluster.clients, now: this.#now, signal };
  }

  #find(finding: string): void {
    this.#say(`FOUND ${finding}`);
    this.#findings.push(finding);
  }

  readonly #now = (): number => performance.now() - this.#begun;
  readonly #say = (line: string): void =>
    this.#options.say(`${(this.#now() / 1_000).toFixed(1).padStart(6)} s  ${line}`);
}

function quantiles(some: readonly number[]): Quantiles {
  const sorted = [...some].sort((a, b) => a - b);
  const whole = (index: number) => (sorted.length === 0 ? null : Math.round(sorted[index]!));
  return { count: sorted.length, p50: whole(sorted.length >> 1), max: whole(sorted.length - 1) };
}
