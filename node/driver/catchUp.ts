import { strict as assert } from 'node:assert';
import type { Marks } from '../../audit/index.js';
import {
  asVerified,
  encode,
  encodeBlock,
  encodeTransaction,
  noteChecked,
  readState,
  type Transaction,
} from '../../chain/index.js';
import {
  eraOf,
  judgeBlock,
  judgeEmpty,
  noteDraw,
  ringAt,
  ringCodec,
  ringRoot,
  type Tip,
} from '../../consensus/index.js';
import { equalBytes } from '../../crypto/index.js';
import { type Finding, type Link, linkOf } from './certify.js';
import { namedBy } from './closings.js';
import { type Decided, missingPayloads } from './height.js';
import { type Certified, encodeRange, type RawEntry, readEntry } from './range.js';
import type { SyncOptions } from './sync.js';

/** Ranges in hand: one whose blocks are adopted, and one that is on its way or waits for its turn. */
const RANGES_MAX = 2;
/**
 * What one thread checks at a time, and how many such pieces are under way or wait to be executed. A fraction of a short
 * era (32 heights): a thread has the next piece before this one's blocks have told the ring of an era, and the main one
 * is not long away from executing when it takes one.
 */
const BATCH_BLOCKS = 6;
const BATCH_BYTES = 1024 * 1024;
const BATCHES_MAX = 24;
/** Blocks whose payloads are pulled before their turn to be executed. */
const PAYLOADS_AHEAD = 8;
/** A run is executed in one turn and written in one batch: so many blocks, bytes and ms, and the one that passes them. */
const RUN_BLOCKS = 64;
const RUN_BYTES = 4 * 1024 * 1024;
const RUN_MS = 20;

export interface CatchUpOptions extends SyncOptions {
  /** A range that begins at this height, from whoever delivers one; null: nobody does. Never rejects. */
  readonly pull: (from: number) => Promise<Range | null>;
  /** What this peer sent is not certified. */
  readonly blame: (peer: string) => void;
  /** The block of this height is decided: its certificate verified, and those of all before it. */
  readonly onCertified: (height: number) => void;
}

/** Blocks from a peer, one height after the other. */
export interface Range {
  readonly peer: string;
  readonly from: number;
  readonly entries: readonly RawEntry[];
}

/** Blocks of one range and one era that follow one another. */
interface Batch {
  readonly peer: string;
  /** Decoded when it is their turn: what waits shall not keep the collector busy. */
  readonly raws: readonly RawEntry[];
  readonly findings: Promise<readonly Finding[]>;
  /** What these are, once they are there. */
  found: readonly Finding[] | null;
  /** Of the ring by which they are checked. */
  readonly ringRoot: Uint8Array;
}

/** A certified block, and what was found of it. */
interface Item {
  readonly entry: Certified;
  readonly finding: Finding;
  readonly ringRoot: Uint8Array;
  readonly peer: string;
}

/** Blocks to execute, and what stands for payloads of the first. */
interface Run {
  readonly items: readonly Item[];
  readonly marks: Held;
}

/** What stands for a block's payloads that were pruned elsewhere; null: all are held. */
type Held = Marks | null;

/** `stuck`: nobody delivers a payload, or the node closes. */
type Outcome = 'done' | 'stuck' | { readonly liar: string };

/**
 * One run of catching up, as a pipeline of four stages with a bound each: a range is on its way from a peer; the
 * certificates of the next blocks are checked, in threads of their own; the blocks before them are executed, a run of
 * them in one turn of the driver's queue; the runs before them are written to disk.
 *
 * The order of checks holds whatever overlaps: no block is adopted, nor any of its payloads pulled, before its
 * certificate was verified against a parent that was itself certified or is the tip. A piece may be checked before the
 * one that it follows on; it counts only after that one has counted.
 */
export class CatchUp {
  readonly #options: CatchUpOptions;
  #ranges: Range[] = [];
  /** Oldest first. */
  #batches: Batch[] = [];
  /** The newest block that is in a batch; what it claims is proved by the time the next batch counts. */
  #last: Link;
  /** The newest block that was executed, adopted or about to be: its state tells the ring of the next era. */
  #executed: Tip;
  /** Where the ranges that were taken in end. */
  #ends: number[] = [];
  #pulling: Promise<void> | null = null;
  #exhausted = false;

  constructor(options: CatchUpOptions) {
    this.#options = options;
    this.#last = options.driver.tip;
    this.#executed = options.driver.tip;
  }

  /** Until nobody has more, or nobody delivers. `first`: blocks that are at hand. */
  async run(first: Range | null): Promise<void> {
    const { driver, blame } = this.#options;
    if (first !== null) this.#take(first);
    try {
      for (;;) {
        this.#fill();
        const batch = this.#batches.shift();
        if (batch === undefined) {
          if (this.#pulling === null) return;
          await this.#pulling;
          continue;
        }
        const outcome = await this.#adopt(batch);
        if (outcome === 'done') continue;
        await this.#pulling;
        if (outcome === 'stuck') return;
        blame(outcome.liar);
        this.#dropAll();
        await driver.resume();
      }
    } finally {
      await driver.resume();
    }
  }

  #take(range: Range): void {
    this.#ranges.push(range);
    this.#ends.push(range.from + range.entries.length - 1);
  }

  /** What is in hand follows on a block that nobody certified. */
  #dropAll(): void {
    this.#ranges = [];
    this.#batches = [];
    this.#ends = [];
    this.#last = this.#options.driver.tip;
    this.#exhausted = false;
  }

  /** Has checked what can be checked, and asks for the next range when one of two is used up. */
  #fill(): void {
    const { driver, pull } = this.#options;
    while (this.#batches.length < BATCHES_MAX) {
      const batch = this.#cut();
      if (batch === null) break;
      this.#batches.push(batch);
    }
    const { height } = driver.tip;
    this.#ends = this.#ends.filter((end) => end > height);
    if (this.#pulling !== null || this.#exhausted || this.#ends.length >= RANGES_MAX) return;
    const next = Math.max(this.#last.height, height, ...this.#ends) + 1;
    this.#pulling = pull(next).then((range) => {
      this.#pulling = null;
      this.#exhausted = range === null;
      if (range === null) return;
      this.#take(range);
      this.#fill();
    });
  }

  #newest(): Tip {
    const { tip } = this.#options.driver;
    // The others may have decided meanwhile, with this node.
    return tip.height > this.#executed.height ? tip : this.#executed;
  }

  /** The next piece of what is in hand. Null: there is none, or its era's ring is not known yet. */
  #cut(): Batch | null {
    const { rules } = this.#options;
    const tip = this.#newest();
    if (tip.height > this.#last.height) this.#last = tip;
    const parent = this.#last;
    const height = parent.height + 1;
    const range = this.#ranges[0];
    if (range === undefined) return null;
    if (height >= range.from + range.entries.length) {
      this.#ranges.shift();
      return this.#cut();
    }
    const era = eraOf(height, rules.eraHeights);
    if (era > eraOf(tip.height, rules.eraHeights) + 1) return null;
    const raws: RawEntry[] = [];
    let bytes = 0;
    for (const raw of range.entries.slice(height - range.from, height - range.from + BATCH_BLOCKS)) {
      if (bytes > BATCH_BYTES || eraOf(height + raws.length, rules.eraHeights) > era) break;
      raws.push(raw);
      bytes += raw.block.length;
    }
    const last = readEntry(raws.at(-1)!);
    // Nothing can follow on what is no block: whoever checks the piece finds where it ends.
    if (last === null) this.#ranges = [];
    return this.#check(range.peer, parent, last === null ? null : linkOf(last), raws);
  }

  #check(peer: string, parent: Link, last: Link | null, raws: readonly RawEntry[]): Batch {
    if (last !== null) this.#last = last;
    const { rules, certifier } = this.#options;
    const { chainId, state } = this.#newest();
    const ring = ringAt(readState(state), parent.height + 1, rules.eraHeights);
    const { height, hash, seed } = parent;
    // Copies: a view would take all of the range that it is of along to the other thread.
    const findings = certifier.certify({
      chainId,
      ring: encode(ringCodec, ring),
      members: rules.members,
      parent: { height, hash: new Uint8Array(hash), seed: new Uint8Array(seed) },
      range: encodeRange(raws),
      blocks: raws.length,
    });
    const batch: Batch = { peer, raws, findings, found: null, ringRoot: ringRoot(ring) };
    const note = (found: readonly Finding[]): void => {
      batch.found = found;
    };
    findings.then(note, () => {}); // thrown where it is awaited
    return batch;
  }

  async #adopt(first: Batch): Promise<Outcome> {
    const { driver, certifier, onCertified } = this.#options;
    let mayHelp = true;
    // A thread may have answered while this one executed, unheard.
    if (first.found === null) await new Promise((resolve) => setImmediate(resolve));
    while (first.found === null && mayHelp) mayHelp = await certifier.help();
    const batches = this.#joined(first, await first.findings);
    const items = batches.flatMap(({ raws, found, ringRoot, peer }) =>
      // Each was decoded where it was checked.
      found!.map((finding, at): Item => ({ entry: readEntry(raws[at]!)!, finding, ringRoot, peer })),
    );
    const last = items.at(-1)?.entry.block.header.height;
    if (last !== undefined) onCertified(last);
    const held: Promise<Held | 'stuck'>[] = [];
    for (let at = 0; at < items.length; ) {
      for (const { entry, peer } of items.slice(held.length, at + PAYLOADS_AHEAD))
        held.push(this.#hold(entry, peer));
      const marks = await held[at]!;
      if (marks === 'stuck') return 'stuck';
      let end = at + 1;
      while (end < items.length && this.#missing(items[end]!.entry).length === 0) end += 1;
      // In a turn of its own: votes and requests go between.
      await new Promise((resolve) => setImmediate(resolve));
      const adopted = await this.#adoptRun({ items: items.slice(at, end), marks }, end < items.length);
      if (adopted === 0) return 'stuck';
      at += adopted;
      this.#fill();
    }
    assert.ok(last === undefined || driver.tip.height >= last, 'what is certified is adopted');
    const { peer, found, raws } = batches.at(-1)!;
    return found!.length < raws.length ? { liar: peer } : 'done';
  }

  /** With those that follow on it and were found meanwhile: a write costs by itself. */
  #joined(first: Batch, found: readonly Finding[]): readonly Batch[] {
    const joined = [{ ...first, found }];
    const isWhole = ({ raws, found }: Batch): boolean => found?.length === raws.length;
    // What follows on a block that is not certified does not count.
    while (isWhole(joined.at(-1)!) && this.#batches[0]?.found) {
      const next = this.#batches.shift()!;
      joined.push({ ...next, found: next.found! });
    }
    return joined;
  }

  #missing({ block }: Certified) {
    return missingPayloads(block, (id) => this.#options.store.hasPayload(id));
  }

  /** Pulls what is missing of a certified block, each payload from another peer first; or what stands for it. Never rejects. */
  async #hold(entry: Certified, peer: string): Promise<Held | 'stuck'> {
    const { payloads, transport, log } = this.#options;
    const missing = this.#missing(entry);
    if (missing.length === 0) return null;
    const marks = await this.#options.marks.forBlock(entry.block, missing, peer);
    if (marks !== null) return marks;
    const peers = [peer, ...transport.connectedPeers().filter((other) => other !== peer)];
    const pulls = missing.map(async ({ id, size }, nth) => {
      const turn = nth % peers.length;
      await payloads.fetch(id, size, [...peers.slice(turn), ...peers.slice(0, turn)]);
    });
    const failed = (await Promise.allSettled(pulls)).find(({ status }) => status === 'rejected');
    if (failed === undefined) return null;
    const { height } = entry.block.header;
    log('debug', 'sync-payload-missing', { height, error: String((failed as PromiseRejectedResult).reason) });
    return 'stuck';
  }

  /** Executes certified blocks, as many as fit into a turn. Marks may stand for the first one's payloads. Returns how many. */
  async #adoptRun({ items, marks }: Run, more: boolean): Promise<number> {
    const { driver, clock, rules } = this.#options;
    let done = 0;
    await driver.enqueue(async () => {
      const begun = clock.monotonic();
      const run: Decided[] = [];
      let { tip } = driver;
      let bytes = 0;
      try {
        for (const [at, item] of items.entries()) {
          if (item.entry.block.header.height <= tip.height) {
            done += 1;
            continue;
          }
          const decided = await this.#judge(tip, item, at === 0 ? marks : null);
          if (decided === null) break;
          const { judged } = decided;
          run.push(decided);
          if (eraOf(judged.tip.height, rules.eraHeights) !== eraOf(tip.height, rules.eraHeights)) {
            this.#executed = judged.tip;
            this.#fill();
          }
          tip = judged.tip;
          done += 1;
          bytes += encodeBlock(judged.block).length;
          if (run.length >= RUN_BLOCKS || bytes > RUN_BYTES || clock.monotonic() - begun > RUN_MS) break;
          // The next block's closings may ask for what this one made.
          if (judged.executed.payloads.size > 0) break;
        }
      } finally {
        if (run.length > 0) await driver.adopt(run, more || done < items.length || this.#batches.length > 0);
      }
    });
    return done;
  }

  /** Null: a payload was removed since it was found to be held, and is pulled again; or the node closes. */
  async #judge(
    tip: Tip,
    { entry, finding, ringRoot: drawnFrom }: Item,
    marks: Held,
  ): Promise<Decided | null> {
    const { driver, rules, store, log } = this.#options;
    const { block, certificate } = entry;
    const { committee, signed } = finding;
    const { height, leader } = block.header;
    // The thread that found it certified has compared hash and body, and drawn the committee.
    noteChecked(block, certificate.hash);
    const ring = ringAt(readState(tip.state), height, rules.eraHeights);
    assert.ok(equalBytes(ringRoot(ring), drawnFrom), `one ring for height ${height}`);
    noteDraw(ring, tip.seed, committee);
    const absent = this.#missing(entry);
    if (absent.length > 0 && marks === null) return null;
    const closings = await driver.closings(tip);
    if (closings === null) return null;
    const payloadOf = (id: Uint8Array, by: string) => store.payload(id) ?? marks?.payloads.get(by) ?? null;
    const verified = (transaction: Transaction) =>
      signed ? asVerified(transaction, encodeTransaction(transaction).length) : null;
    const judgement =
      leader === null
        ? judgeEmpty(rules, tip, block, closings)
        : judgeBlock(rules, tip, block, closings, payloadOf, verified, true);
    if (!judgement.ok) {
      // More than two thirds signed what we find invalid: this node's software or disk differs from theirs.
      const { reason, detail } = judgement;
      log('error', 'certified-block-invalid', { height, reason, detail });
      throw new Error(`block ${height} is certified and yet invalid here: ${reason}: ${detail}`);
    }
    return { judged: judgement.judged, certificate, absent: [...absent, ...namedBy(closings)] };
  }
}
