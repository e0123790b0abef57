import type { ChainBlock, Head, History, Looked, Place } from './history.js';

/** What must hold of a history; docs/faults.md states each rule in words. */
export const rules = [
  'no-chain',
  'fork',
  'broken-chain',
  'twice',
  'nonce-order',
  'not-submitted',
  'head-went-back',
  'head-differs',
  'moved',
  'unseen-again',
  'acknowledged-lost',
  'acknowledged-elsewhere',
  'accepted-lost',
  'not-one-order',
] as const;
export type Rule = (typeof rules)[number];

export interface Finding {
  readonly rule: Rule;
  readonly detail: string;
}

export interface Checked {
  readonly findings: readonly Finding[];
  /** Transactions that a client handed in; were taken by a node; were seen in a block; of these not in the chain. */
  readonly submitted: number;
  readonly accepted: number;
  readonly acknowledged: number;
  readonly acknowledgedLost: number;
  /** Taken by a node, never in a block: lawful only if every node that took it was killed later. */
  readonly acceptedLost: number;
  readonly heights: number;
  readonly forks: number;
  readonly reads: number;
}

/** Findings of one rule that are told in full; a broken chain would tell thousands. */
const FINDINGS_PER_RULE_MAX = 5;

/**
 * Checks that what clients saw is one order of transactions, that all nodes hold it, and that nothing acknowledged
 * got lost. *Acknowledged*: some client was told by some node that a block holds the transaction.
 *
 * Pure. Cost: O(n log n) in events and blocks.
 */
export function checkHistory(history: History): Checked {
  const findings = new Findings();
  const places = placesOf(history.chains[0] ?? []);
  checkChains(history, findings);
  checkTransactions(history, places, findings);
  checkHeads(history, findings);
  const lost = checkAcknowledged(history, places, findings);
  const acceptedLost = checkAccepted(history, places, findings);
  checkReadsStay(history, findings);
  checkRealTime(history, places, findings);
  const submitted = history.seen.filter((seen) => seen.kind === 'submitted');
  const distinct = (some: readonly { readonly tx: string }[]): number =>
    new Set(some.map(({ tx }) => tx)).size;
  return {
    findings: findings.all,
    submitted: distinct(submitted),
    accepted: distinct(submitted.filter(({ outcome }) => outcome === 'accepted')),
    acknowledged: distinct(acknowledgements(history)),
    acknowledgedLost: lost,
    acceptedLost,
    heights: history.chains[0]?.length ?? 0,
    forks: findings.count('fork'),
    reads: history.seen.length - submitted.length,
  };
}

class Findings {
  readonly all: Finding[] = [];
  readonly #counts = new Map<Rule, number>();

  add(rule: Rule, detail: string): void {
    const count = this.count(rule) + 1;
    this.#counts.set(rule, count);
    if (count <= FINDINGS_PER_RULE_MAX) this.all.push({ rule, detail });
  }

  count(rule: Rule): number {
    return this.#counts.get(rule) ?? 0;
  }
}

type Seat = Omit<Place, 'ok'>;

/** Where each transaction stands first. */
function placesOf(chain: readonly ChainBlock[]): ReadonlyMap<string, Seat> {
  const places = new Map<string, Seat>();
  for (const { height, transactions } of chain) {
    for (const [index, { tx }] of transactions.entries()) {
      if (!places.has(tx)) places.set(tx, { height, index });
    }
  }
  return places;
}

/** All nodes hold the same blocks, each on top of the one before, at times that grow. */
function checkChains({ chains, genesis }: History, findings: Findings): void {
  const first = chains[0] ?? [];
  if (first.length === 0) findings.add('no-chain', 'the first node has no block');
  for (const [node, chain] of chains.entries()) {
    if (chain.length !== first.length) {
      findings.add('no-chain', `node ${node} gave ${chain.length} blocks, node 0 ${first.length}`);
    }
    for (const [i, { hash, parent, height, time }] of chain.entries()) {
      const other = first[i];
      if (other !== undefined && other.hash !== hash) {
        findings.add('fork', `height ${height}: node 0 holds ${other.hash}, node ${node} ${hash}`);
      }
      const before = chain[i - 1];
      const at = `node ${node}, height ${height}`;
      if (height !== i + 1) findings.add('broken-chain', `${at}: stands where height ${i + 1} should`);
      if (parent !== (before?.hash ?? genesis)) {
        findings.add('broken-chain', `${at}: its parent is ${parent}, not the block before it`);
      }
      if (before !== undefined && time <= before.time) {
        findings.add('broken-chain', `${at}: its time ${time} is not above ${before.time}`);
      }
    }
  }
}

/** In the chain each transaction stands once, each sender's by its nonces, and the clients' were handed in. */
function checkTransactions(history: History, places: ReadonlyMap<string, Seat>, findings: Findings): void {
  const submitted = new Set(history.seen.flatMap((seen) => (seen.kind === 'submitted' ? [seen.tx] : [])));
  const own = new Set(history.senders);
  const next = new Map<string, number>();
  for (const { transactions, height } of history.chains[0] ?? []) {
    for (const [index, { tx, from, nonce }] of transactions.entries()) {
      const at = `${tx} at ${height}/${index}`;
      const place = places.get(tx)!;
      if (place.height !== height || place.index !== index) {
        findings.add('twice', `${at} stands again at ${place.height}/${place.index}`);
      }
      const wanted = next.get(from) ?? 0;
      if (nonce !== wanted) findings.add('nonce-order', `${at}: nonce ${nonce} where ${wanted} comes next`);
      next.set(from, nonce + 1);
      if (own.has(from) && !submitted.has(tx)) findings.add('not-submitted', `${at}: no client sent it`);
    }
  }
}

/**
 * A node's head never goes back, also over kills; and every head that was ever told is a block of the chain.
 * Two reads are in an order only if one ended before the other began.
 */
function checkHeads(history: History, findings: Findings): void {
  const chain = history.chains[0] ?? [];
  for (const [node, heads] of byNode(history.seen.filter((seen) => seen.kind === 'head'))) {
    for (const { start, height, hash, best } of afterBest(heads)) {
      const at = `node ${node} at ${Math.round(start)} ms`;
      if (best > height) findings.add('head-went-back', `${at} is at ${height}, and was at ${best} before`);
      const block = chain[height - 1];
      if (height > 0 && block !== undefined && block.hash !== hash) {
        findings.add('fork', `${at} told ${hash} for height ${height}, the chain holds ${block.hash}`);
      }
      if (height > chain.length) findings.add('head-differs', `${at} told height ${height}, above the chain`);
    }
  }
}

/** Each head with the highest that was told by then. */
function* afterBest(heads: readonly Head[]): Generator<Head & { readonly best: number }> {
  const byEnd = [...heads].sort((a, b) => a.end - b.end);
  let best = 0;
  let ended = 0;
  for (const head of [...heads].sort((a, b) => a.start - b.start)) {
    for (; ended < byEnd.length && byEnd[ended]!.end < head.start; ended += 1) {
      best = Math.max(best, byEnd[ended]!.height);
    }
    yield { ...head, best };
  }
}

/** What was acknowledged is in the chain, where it was said to be, and was taken or refused alike everywhere. */
function checkAcknowledged(history: History, places: ReadonlyMap<string, Seat>, findings: Findings): number {
  const lost = new Set<string>();
  const said = new Map<string, Looked & { readonly place: Place }>();
  for (const looked of acknowledgements(history)) {
    const { tx, place, node } = looked;
    const first = said.get(tx);
    if (first === undefined) said.set(tx, looked);
    else if (!samePlace(first.place, place) || first.place.ok !== place.ok) {
      findings.add(
        'moved',
        `${tx}: node ${first.node} said ${told(first.place)}, node ${node} ${told(place)}`,
      );
    }
    const held = places.get(tx);
    if (held === undefined) {
      if (!lost.has(tx))
        findings.add('acknowledged-lost', `${tx}: node ${node} said ${told(place)}; it is in no block`);
      lost.add(tx);
    } else if (!samePlace(held, place)) {
      const where = `${held.height}/${held.index}`;
      findings.add(
        'acknowledged-elsewhere',
        `${tx}: node ${node} said ${told(place)}; it stands at ${where}`,
      );
    }
  }
  return lost.size;
}

/** What a node took and kept in memory comes into a block; only a node that was killed may forget it. */
function checkAccepted(history: History, places: ReadonlyMap<string, Seat>, findings: Findings): number {
  const lost = new Set<string>();
  const told = new Set<string>();
  for (const seen of history.seen) {
    if (seen.kind !== 'submitted' || seen.outcome !== 'accepted' || places.has(seen.tx)) continue;
    lost.add(seen.tx);
    if (told.has(seen.tx)) continue;
    if (history.kills.some(({ node, at }) => node === seen.node && at >= seen.start)) continue;
    told.add(seen.tx);
    findings.add(
      'accepted-lost',
      `${seen.tx}: node ${seen.node} took it, was not killed since, and it is in no block`,
    );
  }
  return lost.size;
}

/**
 * A node that once said where a transaction stands says so at every later read, also over kills; and so does one
 * whose head was at that height before.
 */
function checkReadsStay(history: History, findings: Findings): void {
  const places = new Map(acknowledgements(history).map(({ tx, place }) => [tx, place]));
  const heads = byNode(history.seen.filter((seen) => seen.kind === 'head'));
  for (const [node, looks] of byNode(history.seen.filter((seen) => seen.kind === 'looked'))) {
    const knewAt = new Map<string, number>();
    for (const { tx, place, end } of looks) {
      if (place !== null) knewAt.set(tx, Math.min(end, knewAt.get(tx) ?? Number.POSITIVE_INFINITY));
    }
    const reached = firstReached(heads.get(node) ?? []);
    for (const { tx, place, start } of looks) {
      const known = places.get(tx);
      if (place !== null || known === undefined) continue;
      const since = Math.min(knewAt.get(tx) ?? Number.POSITIVE_INFINITY, reached(known.height));
      if (since >= start) continue;
      const when = `at ${Math.round(start)} ms, though since ${Math.round(since)} ms it must`;
      findings.add('unseen-again', `node ${node} does not know ${tx} (${told(known)}) ${when}`);
    }
  }
}

/** From when on a node is known to have reached a height. Cost: a binary search a call. */
function firstReached(heads: readonly Head[]): (height: number) => number {
  const steps: { readonly height: number; readonly end: number }[] = [];
  for (const { height, end } of [...heads].sort((a, b) => a.end - b.end)) {
    if (height > (steps.at(-1)?.height ?? -1)) steps.push({ height, end });
  }
  return (height) => {
    let low = 0;
    let high = steps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (steps[middle]!.height >= height) high = middle;
      else low = middle + 1;
    }
    return steps[low]?.end ?? Number.POSITIVE_INFINITY;
  };
}

/**
 * Who handed in B after somebody was told that A is in a block has B after A in the chain: what all clients saw is
 * one order, that of real time (strict serializability).
 */
function checkRealTime(history: History, places: ReadonlyMap<string, Seat>, findings: Findings): void {
  const begun = new Map<string, number>();
  for (const seen of history.seen) {
    if (seen.kind !== 'submitted' || !places.has(seen.tx)) continue;
    begun.set(seen.tx, Math.min(seen.start, begun.get(seen.tx) ?? Number.POSITIVE_INFINITY));
  }
  const known = acknowledgements(history)
    .filter(({ tx }) => places.has(tx))
    .sort((a, b) => a.end - b.end);
  let last: Looked | null = null;
  let ended = 0;
  for (const [tx, start] of [...begun].sort(([, a], [, b]) => a - b)) {
    for (; ended < known.length && known[ended]!.end < start; ended += 1) {
      const next = known[ended]!;
      if (last === null || isBefore(places.get(last.tx)!, places.get(next.tx)!)) last = next;
    }
    const place = places.get(tx)!;
    if (last === null || isBefore(places.get(last.tx)!, place)) continue;
    const when = `${tx} (${place.height}/${place.index}) was handed in at ${Math.round(start)} ms`;
    findings.add('not-one-order', `${when}, ${last.tx} (further on) was seen at ${Math.round(last.end)} ms`);
  }
}

function acknowledgements({ seen }: History): (Looked & { readonly place: Place })[] {
  return seen.flatMap((one) =>
    one.kind === 'looked' && one.place !== null ? [{ ...one, place: one.place }] : [],
  );
}

function byNode<T extends { readonly node: number }>(some: readonly T[]): ReadonlyMap<number, readonly T[]> {
  const found = new Map<number, T[]>();
  for (const one of some) {
    const list = found.get(one.node);
    if (list === undefined) found.set(one.node, [one]);
    else list.push(one);
  }
  return found;
}

function samePlace(a: Seat, b: Seat): boolean {
  return a.height === b.height && a.index === b.index;
}

function isBefore(a: Seat, b: Seat): boolean {
  return a.height < b.height || (a.height === b.height && a.index < b.index);
}

function told({ height, index, ok }: Place): string {
  return `${height}/${index}${ok ? '' : ' (refused)'}`;
}
