import { createReplay } from '../audit/index.js';
import { type Block, DecodeError, decodeBlock, decodeCertificate, payloadId } from '../chain/index.js';
import { bytesToHex } from '../crypto/index.js';
import type { ChainStart } from '../genesis/index.js';
import { createMarking } from './export/marking.js';
import {
  type Abstention,
  clearBuildPlace,
  finishSwap,
  openSalvage,
  openStore,
  type Salvage,
  type Store,
  StoreError,
  type StoreErrorCode,
  swapFolders,
} from './store/index.js';

export interface RepairOptions {
  readonly chain: ChainStart;
  /** The chain's folder. */
  readonly path: string;
  /** The folder's own votes can't be trusted though it looks whole: an old copy was put back. */
  readonly votesLost: boolean;
  /** The operator knows: this node never voted above this height. Null: the journal, or else the network, tells. */
  readonly voteAfter: number | null;
}

export interface RepairReport {
  /** `whole`: there was nothing to repair. `finished`: a repair that was cut short. */
  readonly outcome: 'whole' | 'finished' | 'repaired';
  /** What was wrong; null when nothing was. */
  readonly fault: string | null;
  /** Where the chain ends now. */
  readonly height: number;
  /** Why no later block could be kept; null when nothing was repaired, or all were kept. */
  readonly ended: string | null;
  readonly abstention: Abstention | null;
  /** Where the damaged folder is now. */
  readonly aside: string | null;
}

const REPAIRABLE: readonly StoreErrorCode[] = ['damaged', 'unreadable', 'former-format'];

/**
 * Repairs the chain folder of a node that isn't running, offline: every block from the first to the last good one
 * is checked and executed again, as an audit does it, into a new folder, which then takes the damaged one's place.
 * The node fetches the rest from its peers, and does not vote where it may have voted before (docs/store.md).
 *
 * Throws StoreError: 'not-found', 'locked', 'another-chain', 'another-format', 'write-failed'.
 * Cost: that of executing the chain. Cut short at any point it can be run again.
 */
export async function repairChain(options: RepairOptions): Promise<RepairReport> {
  const { chain, path, votesLost, voteAfter } = options;
  const finished = await finishSwap(path);
  const opened = await openStore(storeOptions(options, path, false)).catch((error: unknown) => {
    if (error instanceof StoreError && REPAIRABLE.includes(error.code)) return error;
    throw error;
  });
  if (!(opened instanceof StoreError)) {
    if (votesLost) await opened.abstain(null);
    if (voteAfter !== null) await opened.abstain(voteAfter);
    const outcome = finished ? 'finished' : 'whole';
    const report = { outcome, fault: null, ended: null, aside: null, ...standing(opened) } as const;
    await opened.close();
    return report;
  }
  const place = await clearBuildPlace(path);
  const salvage = await openSalvage(path, chain.chainId);
  try {
    const binding = bindingOf(salvage, options);
    const store = await openStore({ ...storeOptions(options, place, true), binding });
    const ended = await rebuild(chain, salvage, store).finally(() => store.close());
    await salvage.close();
    const aside = await swapFolders(path);
    return { outcome: 'repaired', fault: opened.message, ended, aside, ...standing(store) };
  } finally {
    await salvage.close();
  }
}

function storeOptions({ chain }: RepairOptions, path: string, create: boolean) {
  return { path, chainId: chain.chainId, genesisState: chain.tip.state, create };
}

function bindingOf({ binding }: Salvage, { votesLost, voteAfter }: RepairOptions): Salvage['binding'] {
  const none = { abstention: { through: null }, height: 1, records: new Map<string, Uint8Array>() };
  const base = votesLost ? none : binding;
  return voteAfter === null ? base : { ...base, abstention: { through: voteAfter } };
}

/** Without the state at its base nothing of it can be executed again. */
const JOINED =
  'the folder was joined by a snapshot, so the blocks before are not here; the node joins again, or syncs from genesis';

/** Takes over every block that holds, from height 1 on. Returns why it stopped, or null at the end. */
async function rebuild(chain: ChainStart, salvage: Salvage, store: Store): Promise<string | null> {
  const replay = createReplay(chain);
  const mark = createMarking(async ({ id }) => salvage.payload(id));
  for (;;) {
    const raw = salvage.blockBytes(store.head.height + 1);
    if (raw === null) return store.head.height === 0 && salvage.joined ? JOINED : null;
    const block = decodedBlock(raw.block);
    if (block === null) return 'the block does not decode';
    const announced = block.transactions.flatMap(({ payloads }) => payloads);
    const given = announced.map((ref) => ({ ref, bytes: salvage.payload(ref.id) }));
    const lost = given.find(({ ref, bytes }) => bytes === null && !salvage.isPruned(ref));
    if (lost !== undefined) return `missing-payload: payload ${bytesToHex(lost.ref.id)} is lost`;
    const { certificate: encoded, receipts } = raw;
    const payloads = given.map(({ bytes }) => bytes);
    const marked = await marksOf(mark, block, payloads, receipts);
    if (marked === 'unreadable') return 'the receipts do not decode';
    const divergence = replay.take({ block: raw.block, certificate: encoded, payloads, ...marked });
    if (divergence !== null) return `${divergence.reason}: ${divergence.detail}`;
    const { hash, executed } = replay.last!;
    const held = given.flatMap(({ ref: { id }, bytes }) => (bytes === null ? [] : [{ id, bytes }]));
    await store.putPayloads(held);
    const { chainId: _, ...certificate } = decodeCertificate(encoded);
    const absent = given.filter(({ bytes }) => bytes === null).map(({ ref }) => ref);
    const made = (marked?.made ?? []).map((bytes) => ({ id: payloadId(bytes), bytes }));
    await store.commit({ ...executed, block, hash, certificate, absent });
    await store.putPayloads(made);
  }
}

/** What a pruned chain's receipts say in the place of payloads. Receipts of a former format are not kept: none. */
async function marksOf(
  mark: ReturnType<typeof createMarking>,
  block: Block,
  payloads: readonly (Uint8Array | null)[],
  receipts: readonly Uint8Array[],
) {
  if (receipts.length === 0) return null;
  try {
    return await mark(block, payloads, receipts);
  } catch (error) {
    if (error instanceof DecodeError) return 'unreadable';
    throw error;
  }
}

function decodedBlock(raw: Uint8Array): Block | null {
  try {
    return decodeBlock(raw);
  } catch {
    return null;
  }
}

function standing({ head, abstention }: Store) {
  return { height: head.height, abstention };
}
