import { createReplay } from '../audit/index.js';
import { decodeBlock, decodeCertificate } from '../chain/index.js';
import type { ChainStart } from '../genesis/index.js';
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
  const salvage = await openSalvage(path);
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
  for (;;) {
    const raw = salvage.blockBytes(store.head.height + 1);
    if (raw === null) return store.head.height === 0 && salvage.joined ? JOINED : null;
    const announced = announcedBy(raw.block);
    if (announced === null) return 'the block does not decode';
    const payloads = announced.flatMap(({ id }) => {
      const bytes = salvage.payload(id);
      return bytes === null ? [] : [{ id, bytes }];
    });
    const divergence = replay.take({ ...raw, payloads: payloads.map(({ bytes }) => bytes) });
    if (divergence !== null) return `${divergence.reason}: ${divergence.detail}`;
    const { block, hash, executed } = replay.last!;
    await store.putPayloads(payloads);
    const { chainId: _, ...certificate } = decodeCertificate(raw.certificate);
    await store.commit({ ...executed, block, hash, certificate });
  }
}

function announcedBy(raw: Uint8Array) {
  try {
    return decodeBlock(raw).transactions.flatMap(({ payloads }) => payloads);
  } catch {
    return null;
  }
}

function standing({ head, abstention }: Store) {
  return { height: head.height, abstention };
}
