import type { Marks } from '../../audit/index.js';
import { eraOf, judgeBlock, judgeEmpty, type RingSeat, type Rules } from '../../consensus/index.js';
import { equalBytes } from '../../crypto/index.js';
import type { RoundOutcome } from '../../fl/index.js';
import { NetError, type PayloadExchange, type Transport } from '../../net/index.js';
import type { Logger } from '../log.js';
import type { Store } from '../store/index.js';
import type { Clock } from './clock.js';
import type { Driver } from './driver.js';
import { missingPayloads } from './height.js';
import type { MarkedInputs } from './marks.js';
import {
  type Certified,
  certifiers,
  encodeRangeRequest,
  type Link,
  RANGE_ANSWER_BYTES_MAX,
  RANGE_BYTES_MAX,
  RANGE_BYTES_MIN,
  RANGE_PROTOCOL,
  type RawEntry,
  REQUEST_BYTES_MAX,
  rangeOf,
  readEntry,
  readRange,
  readRangeRequest,
} from './range.js';
import { Sources } from './sources.js';

/** A peer that says it is ahead has so long to deliver a range; then the next one is asked. */
const RANGE_TIMEOUT_MS = 2_000;
/** Points for a claim that is not made good, and for blocks that nobody certified. */
const UNDELIVERED_POINTS = 5;
const UNCERTIFIED_POINTS = 50;
const MALFORMED_POINTS = 25;
/** Blocks whose certificates are checked, and payloads pulled, before their turn to be executed. */
const BLOCKS_AHEAD = 8;

export interface SyncOptions {
  readonly driver: Driver;
  readonly rules: Rules<RoundOutcome>;
  readonly store: Store;
  readonly transport: Pick<Transport, 'serve' | 'request' | 'connectedPeers' | 'penalize'>;
  readonly payloads: PayloadExchange;
  readonly marks: Pick<MarkedInputs, 'forBlock'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Blocks from a peer, one height after the other. */
interface Range {
  readonly peer: string;
  readonly from: number;
  readonly entries: readonly RawEntry[];
}

/** A block that can be executed: certified, its payloads held, or pruned by those who had them. */
interface Ready extends Certified {
  readonly marks: Marks | null;
  readonly committee: readonly RingSeat[];
}

/** `bad`: the range's sender is to blame. `stuck`: nobody delivers a payload. */
type Outcome = 'done' | 'bad' | 'stuck';

/**
 * Catching up: decided blocks with their certificates, in ranges, from those who say that they are ahead.
 *
 * One catch-up at a time, as a pipeline: while the blocks of one range are executed, one by one in the driver's
 * queue, the certificates of the next few blocks are checked and their payloads pulled, and the next range is on
 * its way. So two ranges are held at most. Every certificate is verified before a block is adopted, and before
 * its payloads are pulled: a liar could name any.
 *
 * Peers take turns. One that doesn't deliver within 2 s, or delivers what is not certified, loses standing and
 * rests; whoever is next is asked for the same.
 */
export class Sync {
  readonly #options: SyncOptions;
  readonly #sources = new Sources();
  #running = false;
  #rangeBytes = RANGE_BYTES_MIN;
  /** The highest height known to be decided, by a certificate that verified. */
  #certified = 0;

  constructor(options: SyncOptions) {
    this.#options = options;
    const { transport, store } = options;
    const serve = async (request: Uint8Array, from: string): Promise<Uint8Array> => {
      const asked = readRangeRequest(request);
      if (asked !== null) return rangeOf(store, asked);
      transport.penalize(from, MALFORMED_POINTS, 'malformed request');
      throw new NetError('refused', 'malformed request');
    };
    transport.serve(RANGE_PROTOCOL, serve, { requestBytesMax: REQUEST_BYTES_MAX, concurrentMax: 4 });
  }

  /** `peer` says that it stands at `height`. */
  follow(peer: string, height: number): void {
    this.#sources.heard(peer, height);
    if (height > this.#options.driver.tip.height) this.#begin(null);
  }

  /** `peer`, standing at `height`, hands over a decided block. Ignored unless it is the next one. */
  offer(peer: string, height: number, from: number, entry: RawEntry): void {
    this.#sources.heard(peer, height);
    if (from === this.#options.driver.tip.height + 1) this.#begin({ peer, from, entries: [entry] });
  }

  /** A block of this height with a certificate that verified is about to be adopted: no vote matters any more. */
  isDecided(height: number): boolean {
    return height <= this.#certified;
  }

  #begin(first: Range | null): void {
    if (this.#running) return;
    this.#running = true;
    const from = this.#options.driver.tip.height;
    void this.#catchUp(first)
      .catch((error) => this.#options.log('error', 'sync-failed', { error: String(error) }))
      .finally(() => {
        this.#running = false;
        const { tip } = this.#options.driver;
        if (tip.height === from) return;
        this.#options.log('debug', 'caught-up', { from: from + 1, to: tip.height });
        // Peers may have gone on meanwhile.
        if (this.#sources.highest > tip.height) this.#begin(null);
      });
  }

  async #catchUp(first: Range | null): Promise<void> {
    const { driver } = this.#options;
    let pulled = first === null ? this.#pull(driver.tip.height + 1) : Promise.resolve(first);
    for (let range = await pulled; range !== null; range = await pulled) {
      pulled = this.#pull(range.from + range.entries.length);
      const outcome = await this.#adoptAll(range);
      if (outcome === 'done') continue;
      // What was asked for meanwhile follows on nothing.
      await pulled;
      if (outcome === 'stuck') return;
      this.#blame(range.peer, UNCERTIFIED_POINTS, 'blocks that are not certified');
      pulled = this.#pull(driver.tip.height + 1);
    }
  }

  /** A range from whoever delivers one. Null: nobody claims to have it, or those who do rest. Never rejects. */
  async #pull(from: number): Promise<Range | null> {
    const { transport, clock, log } = this.#options;
    for (;;) {
      const peer = this.#sources.next(from, transport.connectedPeers(), clock.monotonic());
      if (peer === null) return null;
      const entries = await this.#ask(peer, from).catch((error: unknown) => {
        log('debug', 'range-failed', { peer, from, error: String(error) });
        // A range that is too much for the link in this time is asked for in smaller pieces.
        this.#rangeBytes = Math.max(RANGE_BYTES_MIN, this.#rangeBytes / 2);
        return [];
      });
      if (entries !== null && entries.length > 0) {
        this.#sources.delivered(peer);
        this.#rangeBytes = Math.min(RANGE_BYTES_MAX, this.#rangeBytes * 2);
        return { peer, from, entries };
      }
      const points = entries === null ? UNCERTIFIED_POINTS : UNDELIVERED_POINTS;
      this.#blame(peer, points, `height ${from} claimed and not delivered`);
    }
  }

  async #ask(peer: string, from: number): Promise<readonly RawEntry[] | null> {
    const request = encodeRangeRequest(from, this.#rangeBytes);
    const options = { timeoutMs: RANGE_TIMEOUT_MS, responseBytesMax: RANGE_ANSWER_BYTES_MAX };
    return readRange(await this.#options.transport.request(peer, RANGE_PROTOCOL, request, options));
  }

  async #adoptAll({ peer, from, entries }: Range): Promise<Outcome> {
    const { driver, rules } = this.#options;
    const ahead: Promise<Ready | Outcome>[] = [];
    const chain = { broken: false };
    let parent: Link | null = null;
    const prepare = (upTo: number): void => {
      // Rings are known one era ahead, and not further.
      const eraMax = eraOf(driver.tip.height, rules.eraHeights) + 1;
      for (let at = ahead.length; at < Math.min(upTo, entries.length); at = ahead.length) {
        const height = from + at;
        if (eraOf(height, rules.eraHeights) > eraMax) return;
        const entry = height > driver.tip.height ? readEntry(entries[at]!) : 'stale';
        if (entry === null || entry === 'stale') ahead.push(Promise.resolve(entry === null ? 'bad' : 'done'));
        else {
          const link: Link = parent !== null && height > driver.tip.height + 1 ? parent : driver.tip;
          ahead.push(this.#prepare(entry, link, peer, chain));
        }
        parent = entry === null || entry === 'stale' ? null : linkOf(entry);
      }
    };
    for (let at = 0; at < entries.length; at += 1) {
      prepare(at + BLOCKS_AHEAD);
      const ready = await ahead[at]!;
      const outcome = typeof ready === 'string' ? ready : await this.#adopt(ready);
      if (outcome !== 'done') return outcome;
    }
    return 'done';
  }

  /**
   * Checks the certificate, then pulls what is missing, each payload from another peer first. Never rejects.
   *
   * `chain` is that of the range: turns come in order, so a parent was checked before its child, and nothing that
   * follows on a parent that isn't certified is believed.
   */
  async #prepare(
    entry: Certified,
    parent: Link,
    peer: string,
    chain: { broken: boolean },
  ): Promise<Ready | Outcome> {
    const { driver, rules, store, payloads, transport, log } = this.#options;
    const { height } = entry.block.header;
    // In a turn of its own: votes and requests go between, and the disk works meanwhile.
    await new Promise((resolve) => setImmediate(resolve));
    if (height <= driver.tip.height) return 'done';
    const committee = chain.broken ? null : certifiers(rules, driver.tip, parent, entry);
    if (committee === null) {
      chain.broken = true;
      return 'bad';
    }
    this.#certified = Math.max(this.#certified, height);
    const missing = missingPayloads(entry.block, (id) => store.hasPayload(id));
    if (missing.length === 0) return { ...entry, committee, marks: null };
    const marks = await this.#options.marks.forBlock(entry.block, missing, peer);
    if (marks !== null) return { ...entry, committee, marks };
    const peers = [peer, ...transport.connectedPeers().filter((other) => other !== peer)];
    const pulls = missing.map(async ({ id, size }, nth) => {
      const turn = nth % peers.length;
      await payloads.fetch(id, size, [...peers.slice(turn), ...peers.slice(0, turn)]);
    });
    const failed = (await Promise.allSettled(pulls)).find(({ status }) => status === 'rejected');
    if (failed === undefined) return { ...entry, committee, marks: null };
    log('debug', 'sync-payload-missing', { height, error: String((failed as PromiseRejectedResult).reason) });
    return 'stuck';
  }

  async #adopt({ block, certificate, committee, marks }: Ready): Promise<Outcome> {
    const { driver, rules, store, log } = this.#options;
    const { height } = block.header;
    let outcome: Outcome = 'stuck';
    await driver.enqueue(async () => {
      const { tip, work } = driver;
      if (height <= tip.height) outcome = 'done';
      if (height !== tip.height + 1 || work === null) return;
      // A payload may have been removed since it was found to be held: it is pulled again.
      const absent = missingPayloads(block, (id) => store.hasPayload(id));
      if (absent.length > 0 && marks === null) return;
      // The committee was drawn from an earlier state: the ring of an era is fixed an era ahead.
      if (!isSame(committee, work.committee)) throw new Error(`bug: two committees at height ${height}`);
      const judgement =
        block.header.leader === null
          ? judgeEmpty(rules, tip, block, work.closings)
          : judgeBlock(
              rules,
              tip,
              block,
              work.closings,
              (id, by) => store.payload(id) ?? marks?.payloads.get(by) ?? null,
              () => null,
              true,
            );
      if (!judgement.ok) {
        // More than two thirds signed what we find invalid: this node's software or disk differs from theirs.
        const { reason, detail } = judgement;
        log('error', 'certified-block-invalid', { height, reason, detail });
        throw new Error(`block ${height} is certified and yet invalid here: ${reason}: ${detail}`);
      }
      await driver.adopt(judgement.judged, certificate, absent);
      outcome = 'done';
    });
    return outcome;
  }

  #blame(peer: string, points: number, reason: string): void {
    const { transport, clock } = this.#options;
    this.#sources.failed(peer, clock.monotonic());
    transport.penalize(peer, points, reason);
  }
}

function linkOf({ block: { header }, certificate }: Certified): Link {
  return { height: header.height, hash: certificate.hash, seed: header.seed };
}

function isSame(a: readonly RingSeat[], b: readonly RingSeat[]): boolean {
  return a.length === b.length && a.every(({ publicKey }, i) => equalBytes(publicKey, b[i]!.publicKey));
}
