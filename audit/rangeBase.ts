import {
  applyChanges,
  blockHash,
  DecodeError,
  emptyTree,
  payloadId,
  readState,
  rootsMatch,
  treeEntries,
  treeRoot,
} from '../chain/index.js';
import {
  drawCommittee,
  emptySeed,
  eraOf,
  ringAt,
  ringCell,
  type Tip,
  verifySeed,
} from '../consensus/index.js';
import { bytesToHex, equalBytes } from '../crypto/index.js';
import type { ChainStart } from '../genesis/index.js';
import { neededPayloads } from './payloads.js';
import type { Divergence } from './report.js';
import { certificateFault, decodeEntry, type ReplayState } from './step.js';

/**
 * A place to replay from that is not the genesis: a block with its certificate, the state after it, and the payloads
 * of the rounds that are open there. `parentSeed` (32 bytes) is the seed of the block before.
 */
export interface ReplayBase {
  readonly height: number;
  readonly block: Uint8Array;
  readonly certificate: Uint8Array;
  readonly parentSeed: Uint8Array;
  readonly state: ReadonlyMap<string, Uint8Array>;
  readonly payloads: readonly Uint8Array[];
}

/** What a replay has reached, as a base for another one. `entry` is the last height that it took. */
export function baseOf(
  { tip, payloads }: ReplayState,
  parentSeed: Uint8Array,
  entry: { readonly block: Uint8Array; readonly certificate: Uint8Array },
): ReplayBase {
  const { height } = tip;
  const { block, certificate } = entry;
  return {
    height,
    block,
    certificate,
    parentSeed,
    state: new Map(treeEntries(tip.state)),
    payloads: [...payloads.values()],
  };
}

/**
 * Opens a base. All of it has to fit the block that it names: the state its state root, the parent's seed its own
 * proof, the certificate the committee that follows from both. So whoever knows this block's hash, or that of any
 * block on top of it, needs to believe nothing else; whoever knows none believes whoever wrote the file.
 */
export function openBase(
  chain: ChainStart,
  base: ReplayBase,
):
  | { readonly ok: true; readonly state: ReplayState }
  | { readonly ok: false; readonly divergence: Divergence } {
  try {
    const opened = open(chain, base);
    if ('state' in opened) return { ok: true, state: opened.state };
    return { ok: false, divergence: at(base, opened.reason, opened.key) };
  } catch (error) {
    // Rings and cells are read before anybody has vouched for them: what is no ring asserts, what is no cell throws.
    const isRefusal = error instanceof DecodeError || (error as Error).name === 'AssertionError';
    if (!isRefusal) throw error;
    return { ok: false, divergence: at(base, 'malformed', 'state') };
  }
}

const sayings: Readonly<Record<string, string>> = {
  malformed: 'the state is none that contracts wrote',
  'wrong-state': 'the state is not the one that the block’s state root names',
  'wrong-seed': 'the seed of the block before does not lead to the block’s own',
};

function at({ height }: ReplayBase, reason: string, key: string): Divergence {
  const detail = sayings[reason] ?? 'what the range is to begin with does not fit its block';
  return { height, transaction: null, key, reason, detail };
}

function open(
  chain: ChainStart,
  base: ReplayBase,
): { readonly state: ReplayState } | { readonly reason: string; readonly key: string } {
  const { chainId, rules } = chain;
  const decoded = decodeEntry({ ...base, payloads: [] });
  if (typeof decoded === 'string') return { reason: 'malformed', key: 'block' };
  const { block, certificate } = decoded;
  const { header } = block;
  const { height, parentSeed } = base;
  if (!equalBytes(header.chainId, chainId)) return { reason: 'wrong-chain', key: 'chainId' };
  if (header.height !== height || height < 1) return { reason: 'wrong-height', key: 'height' };
  if (!rootsMatch(block)) return { reason: 'wrong-roots', key: 'block' };
  const tree = applyChanges(emptyTree, base.state);
  if (!equalBytes(treeRoot(tree), header.stateRoot)) return { reason: 'wrong-state', key: 'stateRoot' };
  const state = readState(tree);
  const era = eraOf(height, rules.eraHeights);
  if (ringCell.get(state, era) === null) return { reason: 'malformed', key: ringCell.key(era) };
  if (parentSeed.length !== 32) return { reason: 'wrong-seed', key: 'seed' };
  const ring = ringAt(state, height, rules.eraHeights);
  const members = Math.min(rules.members, ring.length);
  const committee = drawCommittee(ring, parentSeed, members).map((index) => ring[index]!);
  const { leader, seedProof: proof } = header;
  const { vrfPublicKey, publicKey } = committee[0]!;
  if (leader !== null && !equalBytes(leader, publicKey)) return { reason: 'wrong-leader', key: 'leader' };
  const proved = proof === null ? null : verifySeed({ vrfPublicKey, height, parentSeed, proof });
  const seed = leader === null ? emptySeed(height, parentSeed) : proved;
  if (seed === null || !equalBytes(seed, header.seed)) return { reason: 'wrong-seed', key: 'seed' };
  const hash = blockHash(header);
  const tip: Tip = { chainId, height, hash, time: header.time, seed, leader, committee, state: tree };
  const fault = certificateFault(chainId, committee, { hash, tip }, certificate);
  if (fault !== null) return { reason: 'bad-certificate', key: 'certificate' };
  const payloads = new Map(base.payloads.map((bytes) => [bytesToHex(payloadId(bytes)), bytes]));
  return { state: { tip, payloads: neededPayloads(payloads, tree) } };
}
