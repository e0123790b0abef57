import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  payloadId,
  readState,
  signTransaction,
  type Vote,
  verifyTransaction,
} from '../../../../chain/index.js';
import { bytesToHex, drbg, utf8ToBytes } from '../../../../crypto/index.js';
import { decodeProposal } from '../../../../node/driver/message.js';
import { type Commit, openStore, type Store } from '../../../../node/store/index.js';
import { person } from '../../../support/genesis.js';
import { eventually, type Mortal, mortalNetwork } from '../../../support/mortalNetwork.js';
import { copyStore } from '../../../support/storeCopy.js';

type Network = Awaited<ReturnType<typeof mortalNetwork>>;

/** Stop one validator at the write `index` of a height, right before it or right after it. */
interface Trap {
  readonly role: 'leader' | 'follower';
  readonly index: number;
  readonly when: 'before' | 'after';
  /** Set above the head, so that the whole height runs under the trap. */
  height: number;
  leader: Mortal | null;
  victim: Mortal | null;
  writes: number;
  /** What the victim was writing when it was stopped. */
  sprung: string | null;
  /** The victim's store in the life that ended there: nothing is written to it any more. */
  stopped: Store | null;
}

let network: Network;
let folder: string;
let trap: Trap | null = null;
/** member/height/period/step: every value that was signed and sent. */
const sent = new Map<string, Set<string>>();
/** Folders as they lay when a vote left for the first time, with the record that must be in each. */
const witnesses: { readonly path: string; readonly height: number; readonly key: string }[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'write-boundaries-'));
  network = await mortalNetwork({ wrap: withTrap, onOwnVote: noteVote });
}, 60_000);

afterAll(async () => {
  await network.close();
  rmSync(folder, { recursive: true, force: true });
});

function valueTextOf(vote: Vote): string {
  return vote.value === null ? 'bottom' : bytesToHex(vote.value);
}

function noteVote(self: Mortal, vote: Vote): void {
  const { height, period, step } = vote;
  const place = `${self.name}/${height}/${period}/${step}`;
  const known = sent.get(place) ?? new Set();
  const value = valueTextOf(vote);
  if (known.has(value)) return;
  sent.set(place, known.add(value));
  if (trap?.victim !== self || height <= self.store.head.height) return;
  const path = join(folder, `witness-${witnesses.length}`);
  copyStore(self.path, path);
  witnesses.push({ path, height, key: `vote/${period}/${step}/${value}` });
}

/** A store that stops for good at the trap: what it was asked to write then is never done, or never answered. */
function withTrap(store: Store, self: Mortal): Store {
  const trapped = async <T>(height: number, what: string, work: () => Promise<T>): Promise<T> => {
    const armed = trap;
    if (armed?.stopped === store) return new Promise<T>(() => undefined);
    if (armed === null || armed.sprung !== null || height !== armed.height) return work();
    if (what.startsWith('proposal')) armed.leader = self;
    const leads = armed.leader === self;
    if (armed.victim === null && leads === (armed.role === 'leader')) armed.victim = self;
    if (armed.victim !== self) return work();
    armed.writes += 1;
    if (armed.writes - 1 !== armed.index) return work();
    if (armed.when === 'after') await work();
    armed.sprung = what;
    armed.stopped = store;
    return new Promise<T>(() => undefined);
  };
  return new Proxy(store, {
    get: (target, name) => {
      // Whoever still asks a dead one hears nothing.
      if (!self.alive && name === 'hasPayload') return () => false;
      if (!self.alive && name === 'payload') return () => null;
      if (name === 'putRecords') {
        return (height: number, records: Parameters<Store['putRecords']>[1], drop?: readonly string[]) =>
          trapped(height, records[0]!.key, () => target.putRecords(height, records, drop));
      }
      if (name === 'commit') {
        return (...commits: readonly Commit[]) =>
          trapped(commits[0]!.block.header.height, 'commit', async () => {
            await target.commit(...commits);
            await feed(self, target);
          });
      }
      return Reflect.get(target, name, target) as unknown;
    },
  });
}

const PAYLOAD_BYTES = 20_000;

/**
 * Something to put into the next block that this node leads, with a payload that it alone holds: nothing is gossiped,
 * so the others have to pull it while the height is under way. That no contract takes it is nothing to a block.
 */
async function feed(self: Mortal, store: Store): Promise<void> {
  const { node } = self;
  if (node.mempool.size > 0 || !self.alive) return;
  const { publicKey, secret } = person(self.name);
  const nonce = node.nextNonce(publicKey);
  const payload = drbg(utf8ToBytes(`${self.name} ${nonce} ${store.head.height}`))(PAYLOAD_BYTES);
  const id = payloadId(payload);
  await store.putPayload(id, payload);
  const { chainId } = network.chain;
  const call = { contract: 'training', method: 'update', args: { task: 1, round: 1 }, level: 0 };
  const payloads = [{ id, size: payload.length }];
  const signed = signTransaction({ chainId, from: publicKey, nonce, payloads, ...call }, secret);
  const verified = verifyTransaction(signed, chainId);
  if (verified.ok) node.mempool.add(verified.value, readState(store.state()), 0);
}

const heads = (): readonly number[] => network.mortals.map(({ store }) => store.head.height);

/** One kill at the place; gives what the victim was writing. */
async function killAt(place: Pick<Trap, 'role' | 'index' | 'when'>): Promise<string> {
  // A height may pass without that write (a follower that is told the block is decided): then at a later one.
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const armed: Trap = {
      ...place,
      height: Math.max(...heads()) + 2,
      leader: null,
      victim: null,
      writes: 0,
      sprung: null,
      stopped: null,
    };
    trap = armed;
    await eventually('the trap', () => armed.sprung !== null || Math.min(...heads()) > armed.height);
    if (armed.sprung === null) continue;
    const victim = armed.victim!;
    await victim.kill();
    await victim.start();
    // All of them, the one that was killed included, decide what comes after.
    await eventually('all to go on', () => Math.min(...heads()) > armed.height + 1);
    trap = null;
    return armed.sprung;
  }
  throw new Error(`no height had the write ${JSON.stringify(place)}`);
}

describe('a validator that dies at a write and comes back', () => {
  const cases = (['leader', 'follower'] as const).flatMap((role) =>
    [0, 1, 2, 3].slice(role === 'leader' ? 0 : 1).flatMap((index) =>
      (['before', 'after'] as const).map((when) => ({
        role,
        index: role === 'leader' ? index : index - 1,
        when,
      })),
    ),
  );

  it('goes on, at every write of a height', async () => {
    const written: string[] = [];
    for (const place of cases) written.push(`${place.role}: ${(await killAt(place)).split('/')[0]}`);
    // The places were those that a height has.
    expect(new Set(written)).toEqual(
      new Set(['leader: proposal', 'leader: vote', 'leader: commit', 'follower: vote', 'follower: commit']),
    );
    expect(network.failures).toEqual([]);
  }, 300_000);

  it('never sent two soft or two cert votes, nor a next vote against its cert', () => {
    expect(sent.size).toBeGreaterThan(100);
    for (const [place, values] of sent) {
      const [name, height, period, step] = place.split('/');
      if (step !== 'next') expect([...values], place).toHaveLength(1);
      const cert = sent.get(`${name}/${height}/${period}/cert`);
      if (step === 'next' && cert !== undefined) expect([...values], place).toEqual([...cert]);
    }
  });

  it('had every vote on disk before it left, and the payloads of the block before its soft vote', async () => {
    expect(witnesses.length).toBeGreaterThan(10);
    const { chainId, tip } = network.chain;
    let payloads = 0;
    for (const { path, height, key } of witnesses) {
      const store = await openStore({ path, chainId, genesisState: tip.state, create: false });
      const records = store.records(height);
      expect(records.map((record) => record.key)).toContain(key);
      const [, period, step, value] = key.split('/');
      const block = records.find((record) => record.key === `block/${value}`);
      if (step === 'soft' && period === '0' && block !== undefined) {
        // Pulled from the leader, this one had nothing of it.
        const { transactions } = decodeProposal(block.value)!.block;
        for (const { id } of transactions.flatMap((transaction) => transaction.payloads)) {
          expect(store.hasPayload(id), `height ${height}`).toBe(true);
          payloads += 1;
        }
      }
      await store.close();
    }
    expect(payloads).toBeGreaterThan(0);
  }, 60_000);

  it('leaves one chain', () => {
    const height = Math.min(...heads());
    for (let at = 1; at <= height; at += 1) {
      const hashes = network.mortals.map(({ store }) => bytesToHex(store.block(at)!.hash));
      expect(new Set(hashes).size).toBe(1);
    }
  });
});
