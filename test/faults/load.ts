import { setTimeout as delay } from 'node:timers/promises';
import { sha256, utf8ToBytes } from '../../crypto/index.js';
import { type Client, createWallet, RpcError, type SignedCall, type Wallet } from '../../node/rpc/index.js';
import { Random } from '../sim/random.js';
import type { Account, Cluster } from './cluster.js';
import type { Looked, Place, Seen, Submitted } from './history.js';

export interface LoadOptions {
  readonly cluster: Cluster;
  readonly seed: number;
  readonly now: () => number;
  readonly record: (seen: Seen) => void;
  /** Was this node killed at that time or later? */
  readonly killedSince: (node: number, at: number) => boolean;
  /** No new transactions; those on their way are still followed. */
  readonly stop: AbortSignal;
  /** Give up everything. */
  readonly abandon: AbortSignal;
}

const WAIT_MS = 1_500;
const INSIST_MS = 3_000;
const RETRY_MS = 200;
const LOOK_EVERY_MS = 50;

/**
 * Clients that each send one small transaction after another and wait until they are told that a block holds it:
 * an account declares a dataset (it may do so 64 times; later ones are refused by the contract, which is a receipt
 * in a block like any other). Each submission goes to another node, each question too.
 *
 * Half of the clients are *patient*: a node that took their transaction and was not killed since must bring it into
 * a block, and gets no help. The others hand the same bytes to further nodes. Resolves when all have ended.
 */
export async function runLoad(options: LoadOptions): Promise<void> {
  const { cluster, seed } = options;
  const loops = cluster.accounts.map((account, i) =>
    new LoadClient(options, i, account, new Random(seed + 1 + i)).run(),
  );
  await Promise.all(loops);
}

class LoadClient {
  readonly #options: LoadOptions;
  readonly #client: number;
  readonly #account: Account;
  readonly #random: Random;
  readonly #wallet: Wallet;
  readonly #patient: boolean;
  readonly #done: string[] = [];

  constructor(options: LoadOptions, client: number, account: Account, random: Random) {
    this.#options = options;
    this.#client = client;
    this.#account = account;
    this.#random = random;
    this.#patient = client % 2 === 0;
    const { clients, network } = options.cluster;
    this.#wallet = createWallet({ client: clients[0]!, chainId: network.chainId, secret: account.secret });
  }

  async run(): Promise<void> {
    const { stop, abandon } = this.#options;
    for (let nonce = 0; !stop.aborted && !abandon.aborted; nonce += 1) {
      const dataset = sha256(utf8ToBytes(`${this.#account.name} ${nonce}`));
      const args = { dataset, unit: 'record', epsilonMicro: 1_000_000, deltaPico: 100_000_000, order: null };
      const signed = this.#wallet.sign({ contract: 'privacy', method: 'declare', args }, nonce);
      if (!(await this.#deliver(signed))) return;
      this.#done.push(signed.hash);
      // An old one again, at any node: what was seen once stays.
      await this.#look(this.#random.pick(this.#done), this.#node(), 0);
    }
  }

  /** True once a block holds it; false if the run ends first. */
  async #deliver({ hash, submission }: SignedCall): Promise<boolean> {
    const { abandon, stop, now, killedSince } = this.#options;
    const takers: { readonly node: number; readonly at: number }[] = [];
    let last = Number.NEGATIVE_INFINITY;
    while (!abandon.aborted) {
      const held = takers.some(({ node, at }) => !killedSince(node, at));
      if (!held || (!this.#patient && now() - last > INSIST_MS)) {
        // A submission that nobody took by the end is nobody's duty.
        if (stop.aborted && takers.length === 0) return false;
        const node = this.#node();
        last = now();
        const { outcome, start } = await this.#submit(hash, submission, node);
        if (outcome === 'accepted') takers.push({ node, at: start });
        else await this.#pause(RETRY_MS);
      }
      if ((await this.#look(hash, this.#node(), WAIT_MS)) !== null) return true;
    }
    return false;
  }

  async #submit(tx: string, submission: SignedCall['submission'], node: number): Promise<Submitted> {
    const start = this.#options.now();
    const outcome = await this.#outcome(this.#at(node).call('tx.submit', submission));
    const { now, record } = this.#options;
    const seen: Submitted = { kind: 'submitted', client: this.#client, node, tx, start, end: now(), outcome };
    record(seen);
    return seen;
  }

  async #outcome(call: Promise<unknown>): Promise<Submitted['outcome']> {
    try {
      await call;
      return 'accepted';
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (error.word === 'already-known') return 'accepted';
      return ['unreachable', 'timed-out', 'cancelled'].includes(error.word) ? 'unsure' : 'refused';
    }
  }

  /** What a node says of a transaction; a node that gives no answer is no observation. */
  async #look(tx: string, node: number, waitMs: number): Promise<Place | null> {
    const { now, record, abandon } = this.#options;
    const start = now();
    try {
      const found = await this.#at(node).call('tx.get', { hash: tx, waitMs }, { signal: abandon });
      const place =
        found.status === 'committed' ? { height: found.height, index: found.index, ok: found.ok } : null;
      const seen: Looked = { kind: 'looked', client: this.#client, node, tx, start, end: now(), place };
      record(seen);
      return place;
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      await this.#pause(LOOK_EVERY_MS);
      return null;
    }
  }

  #node(): number {
    return this.#random.below(this.#options.cluster.members);
  }

  #at(node: number): Client {
    return this.#options.cluster.clients[node]!;
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#options.abandon }).catch(() => {}); // the caller looks at the signal
  }
}
