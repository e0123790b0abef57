import {
  type IncludedTransaction,
  LINKS_MAX,
  type LightChain,
  type LightHead,
  lightChain,
  lightStart,
  type ProvedBlock,
  provedState,
  verifyTransactionProof,
} from '../../audit/light/index.js';
import type { StateReader } from '../../chain/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import type { Genesis } from '../../genesis/index.js';
import { RpcError } from '../rpc/errors.js';
import { back, bytesIn, held, walk } from './ask.js';
import type { LightClient } from './client.js';
import { LightError } from './error.js';

/** A block that its owner knows from elsewhere. */
export interface KnownBlock {
  readonly height: number;
  readonly hash: Uint8Array;
}

/** Where the proved head is kept between sessions. `root`: where following began. */
export interface TrustPlace {
  read(chain: LightChain, root: KnownBlock): LightHead | null;
  write(chain: LightChain, root: KnownBlock, head: LightHead): void;
}

export interface LightSessionOptions {
  readonly genesis: Genesis;
  /** Nodes to ask; none of them is believed. */
  readonly clients: readonly LightClient[];
  /** Left out: the head is forgotten with the session. */
  readonly trust?: TrustPlace | undefined;
  /** Begins there instead of at the genesis. */
  readonly known?: KnownBlock | undefined;
  /** Hears of a node whose answer does not hold, or that gives none; then the next one is asked. */
  readonly onRefusal?: (url: string, error: LightError | RpcError) => void;
}

/** From so far back, headers one by one take longer than the steps from the root, one an era. */
const BACK_MAX = 8 * LINKS_MAX;

/**
 * A light client at work: asks nodes, believes proofs alone, and keeps the head that it has proved.
 *
 * Everything throws LightError if what the nodes give does not hold, RpcError if they give nothing, and what the
 * place of the head throws.
 */
export class LightSession {
  readonly chain: LightChain;
  readonly #options: LightSessionOptions;
  readonly #genesis: LightHead;
  /** Where following began: the genesis, or the known block. */
  readonly #root: KnownBlock;
  #rootHead: LightHead | null;
  #head: LightHead | null;

  constructor(options: LightSessionOptions) {
    const { chain, head } = lightChain(options.genesis);
    this.chain = chain;
    this.#options = options;
    this.#genesis = head;
    this.#root = options.known ?? { height: 0, hash: chain.chainId };
    this.#rootHead = options.known === undefined ? head : null;
    this.#head = options.trust?.read(chain, this.#root) ?? null;
  }

  /** What is proved so far; it only grows. */
  get head(): LightHead {
    return this.#head ?? this.#rootHead ?? this.#genesis;
  }

  /** Goes on to the newest block that any node can prove; waits up to `waitMs` for one after the head. */
  async followOn(waitMs = 0): Promise<LightHead> {
    const before = await this.#begun();
    const standing = await this.#newestFirst(waitMs);
    const after = await this.#anyOf(standing, ({ client, height }) => this.#headAt(client, height));
    for (const other of standing) await this.#compare(other, before, after);
    return after;
  }

  async transaction(hash: Uint8Array): Promise<IncludedTransaction & { readonly block: ProvedBlock }> {
    const asked = this.#options.clients.map((client) => ({ client }));
    return this.#anyOf(asked, async ({ client }) => {
      const { height, proof } = await client.call('proof.transaction', { hash: bytesToHex(hash) });
      const block = await this.#blockAt(client, height);
      const shown = held(client, verifyTransactionProof(block, bytesIn(client, proof)));
      if (equalBytes(shown.hash, hash)) return { ...shown, block };
      throw new LightError('not-in-block', `${client.url} shows another transaction`);
    });
  }

  /** What the newest state says of these keys. */
  async state(
    keys: readonly string[],
  ): Promise<{ readonly block: ProvedBlock; readonly state: StateReader }> {
    return this.#anyOf(await this.#newestFirst(), async ({ client }) => {
      const { height, entries } = await client.call('proof.state', { keys: [...keys] });
      const block = await this.#blockAt(client, height);
      const raws = entries.map((entry) => bytesIn(client, entry));
      return { block, state: held(client, provedState(block, keys, raws)).state };
    });
  }

  /** The first answer that holds. */
  async #anyOf<N extends { readonly client: LightClient }, T>(
    nodes: readonly N[],
    work: (node: N) => Promise<T>,
  ): Promise<T> {
    let failed: Error | null = null;
    for (const node of nodes) {
      try {
        return await work(node);
      } catch (error) {
        if (!(error instanceof LightError) && !(error instanceof RpcError)) throw error;
        if (error instanceof RpcError && error.word === 'cancelled') throw error;
        this.#options.onRefusal?.(node.client.url, error);
        // That something does not hold says more than that another node does not answer.
        if (!(failed instanceof LightError)) failed = error;
      }
    }
    throw failed ?? new RpcError('unreachable', 'no node was named');
  }

  async #begun(): Promise<LightHead> {
    return this.#head ?? (await this.#start());
  }

  async #start(): Promise<LightHead> {
    if (this.#rootHead !== null) return this.#rootHead;
    const { clients } = this.#options;
    const asked = clients.map((client) => ({ client }));
    const started = await this.#anyOf(asked, async ({ client }) => {
      const { start } = await client.call('proof.header', { height: this.#root.height });
      return held(client, lightStart(this.chain, this.#root, bytesIn(client, start))).head;
    });
    this.#rootHead = started;
    return started;
  }

  async #headAt(client: LightClient, height: number): Promise<LightHead> {
    const before = await this.#begun();
    if (height <= before.height) return before;
    const after = await walk(this.chain, client, before, height);
    this.#head = after;
    this.#options.trust?.write(this.chain, this.#root, after);
    return after;
  }

  async #blockAt(client: LightClient, height: number): Promise<ProvedBlock> {
    const top = await this.#headAt(client, height);
    if (top.height - height > BACK_MAX && top.ring.length <= this.chain.members) {
      const start = await this.#start();
      if (start.height < height) return (await walk(this.chain, client, start, height)).block!;
    }
    if (top.block !== null && height >= 1) return back(client, top.block, height);
    throw new LightError('wrong-height', `${client.url} speaks of height ${height}, which has no header`);
  }

  /** Nodes that answer, those with the highest heads first. */
  async #newestFirst(waitMs = 0): Promise<readonly Standing[]> {
    const since = this.#head;
    const params = waitMs === 0 || since === null ? {} : { afterHeight: since.height, waitMs };
    const { clients, onRefusal } = this.#options;
    let failed: RpcError | null = null;
    const asked = clients.map(async (client) => {
      try {
        return [{ client, ...(await client.call('chain.status', params)) }];
      } catch (error) {
        if (!(error instanceof RpcError) || error.word === 'cancelled') throw error;
        onRefusal?.(client.url, error);
        failed ??= error;
        return [];
      }
    });
    const standing = (await Promise.all(asked)).flat();
    if (standing.length === 0) throw failed ?? new RpcError('unreachable', 'no node was named');
    return standing.toSorted((a, b) => b.height - a.height);
  }

  /** A node that names another block of the head's height: either it lies, or a third of the keys signed twice. */
  async #compare(other: Standing, before: LightHead, after: LightHead): Promise<void> {
    if (other.height < after.height || before.height >= after.height) return;
    try {
      const { hash } =
        other.height === after.height
          ? other
          : await other.client.call('proof.header', { height: after.height });
      if (hash === bytesToHex(after.hash)) return;
      const rival = await walk(this.chain, other.client, before, after.height);
      if (equalBytes(rival.hash, after.hash)) return;
    } catch (error) {
      if (!(error instanceof LightError) && !(error instanceof RpcError)) throw error;
      this.#options.onRefusal?.(other.client.url, error);
      return;
    }
    throw new LightError(
      'forked',
      `block ${after.height} is certified twice; ${other.client.url} has the other one`,
    );
  }
}

interface Standing {
  readonly client: LightClient;
  readonly height: number;
  readonly hash: string;
}
