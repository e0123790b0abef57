import { applyChanges, createDraft, emptyTree, readState, type StateTree } from '../chain/index.js';
import { type RingSeat, type Rules, ringCell, type Tip } from '../consensus/index.js';
import {
  balanceCell,
  newestProtocol,
  paramsCell,
  protocols,
  register,
  supplyCell,
  validatorsCell,
} from '../contracts/index.js';
import { bytesToHex } from '../crypto/index.js';
import type { RoundOutcome } from '../fl/index.js';
import local from './presets/local.json' with { type: 'json' };
import { chainIdOf, type Genesis, type GenesisValue, genesisValue } from './schema.js';

/** A chain at its beginning: its id, its rules, and the tip that block 1 builds on. */
export interface ChainStart {
  readonly chainId: Uint8Array;
  readonly rules: Rules<RoundOutcome>;
  readonly tip: Tip;
}

/** From a genesis file's content to the initial state. Pure: the same file gives the same chain everywhere. */
export function startChain(genesis: Genesis): ChainStart {
  const value = genesisValue(genesis);
  const chainId = chainIdOf(value);
  const tip = {
    chainId,
    height: 0,
    hash: chainId,
    time: value.time,
    seed: chainId,
    leader: null,
    committee: [],
    state: initialState(value),
  };
  const { eraHeights, members } = value.params;
  const protocolAt = (height: number): number =>
    genesis.upgrades.findLast((upgrade) => upgrade.height <= height)?.protocol ?? 1;
  return { chainId, rules: { protocolAt, protocols, eraHeights, members }, tip };
}

/** The upgrades of a network that is founded now: the newest rules from the first block on. */
export const newestFromStart: Genesis['upgrades'] = [{ height: 1, protocol: newestProtocol }];

/** Parameters to start from, by name. */
export const presets = { local } as const;

function initialState({ params, accounts }: GenesisValue): StateTree {
  const draft = createDraft(readState(emptyTree));
  paramsCell.set(draft, params);
  for (const { publicKey, account, balance } of accounts) {
    register(draft, publicKey, account, 0);
    if (balance > 0) balanceCell.set(draft, balance, bytesToHex(publicKey));
  }
  supplyCell.set(
    draft,
    accounts.reduce((sum, { balance }) => sum + balance, 0),
  );
  const validators = accounts.filter(({ account }) => account.role === 'validator');
  validatorsCell.set(
    draft,
    validators.map(({ publicKey }) => ({ publicKey, seat: 'held' })),
  );
  const ring: RingSeat[] = validators.map(({ publicKey, account }) => ({
    publicKey,
    vrfPublicKey: account.vrfPublicKey!,
    weight: params.validatorReputation.start,
  }));
  ringCell.set(draft, ring, 0);
  ringCell.set(draft, ring, 1);
  return applyChanges(emptyTree, draft.changes);
}
