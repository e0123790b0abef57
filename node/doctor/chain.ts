import { readState } from '../../chain/index.js';
import { validatorsOf } from '../../contracts/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { type ChainStart, startChain } from '../../genesis/index.js';
import { readGenesis } from '../provision/index.js';
import type { ResultOf } from '../rpc/index.js';
import type { NodeConfig } from '../settings/index.js';
import { openStore, StoreError } from '../store/index.js';
import type { OwnKeys } from './files.js';
import { type Finding, fault, ok, warning } from './finding.js';

type Status = ResultOf<'node.status'>;

/** A validator, as the chain has it. */
export interface Known {
  readonly publicKey: string;
  readonly vrfPublicKey: string;
  readonly name: string;
  readonly seat: string;
}

/** Is the genesis one, and the one that was joined? Null beside the finding: there is nothing to go on with. */
export function openGenesis({ genesis: file, chainId }: NodeConfig): {
  readonly chain: ChainStart | null;
  readonly finding: Finding;
} {
  const mend =
    'get genesis.json from another hospital, and compare "consilium genesis digest" with what all were told';
  try {
    const chain = startChain(readGenesis(file));
    const digest = bytesToHex(chain.chainId);
    if (chainId !== undefined && chainId !== digest) {
      const message = `${file} has the digest ${digest}, and this node is of the chain ${chainId}`;
      return { chain: null, finding: fault('genesis', message, mend) };
    }
    return { chain, finding: ok('genesis', `the genesis is that of the chain ${digest}`) };
  } catch (error) {
    return { chain: null, finding: fault('genesis', (error as Error).message, mend) };
  }
}

const mends: Readonly<Record<string, string>> = {
  'another-chain': 'set dataDir to this chain’s own folder, or genesis to that of the folder',
  'another-format': 'run the version that wrote it',
  'former-format': 'run "consilium chain repair" with the node’s folder',
  damaged:
    'check the disk, then run "consilium chain repair" with the node’s folder (docs/operate/restore.md)',
  unreadable:
    'check the disk, then run "consilium chain repair" with the node’s folder (docs/operate/restore.md)',
  locked: 'end the other process that uses it; two nodes with the same keys lose their seat',
};

/**
 * Is the chain folder whole? A node that runs has checked it as it opened it; else it is opened here, and all of it is
 * checked. Beside the finding the validators as the chain has them, or as the genesis began.
 */
export async function chainFinding(
  { dataDir: path }: NodeConfig,
  { chainId, tip }: ChainStart,
  running: Status | null,
): Promise<{ readonly finding: Finding; readonly known: readonly Known[] }> {
  const first = knownIn(tip.state);
  if (running !== null) {
    return { finding: ok('chain', `the node runs, at height ${running.height}`), known: first };
  }
  try {
    const store = await openStore({ path, chainId, genesisState: tip.state, create: false });
    const { abstention, head } = store;
    const known = knownIn(store.state());
    await store.close();
    const whole = `${path} is whole, up to height ${head.height}`;
    if (abstention === null) return { finding: ok('chain', whole), known };
    const mend =
      'start the node and wait: it votes when the others have told how far it may have voted (docs/store.md)';
    return {
      finding: warning(
        'chain',
        `${whole}; the node will not vote at first, since votes of its own may be lost`,
        mend,
      ),
      known,
    };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.code === 'not-found')
      return { finding: ok('chain', `there is no chain in ${path} yet`), known: first };
    return { finding: fault('chain', error.message, mends[error.code] ?? 'check the disk'), known: first };
  }
}

/** Is the own key a validator's? */
export function membershipFinding(keys: OwnKeys, known: readonly Known[]): Finding {
  const own = known.find(({ publicKey }) => publicKey === keys.publicKey);
  if (own === undefined) {
    const mend =
      'if it has still to be voted in, send card.json to the validators ("consilium validator add --card"); else the keystore is not this validator’s';
    return warning('membership', `the chain knows no validator with the key ${keys.publicKey}`, mend);
  }
  if (own.vrfPublicKey !== keys.vrfPublicKey) {
    const mend =
      'put the validator’s own keystore back from the backup, or have its keys replaced by vote (docs/operate/key-rotation.md)';
    return fault(
      'membership',
      `the chain has another VRF key of ${own.name} than the keystore: it can lead no height`,
      mend,
    );
  }
  if (own.seat === 'lost') {
    const mend =
      'another vote gives it back ("consilium validator add"); if evidence took it, find out why first (docs/membership.md)';
    return warning('membership', `${own.name} has no seat any more: it follows, and does not vote`, mend);
  }
  return ok('membership', `${own.name} is a validator, its seat is ${own.seat}`);
}

function knownIn(state: ChainStart['tip']['state']): readonly Known[] {
  return validatorsOf(readState(state)).map(({ publicKey, seat, account }) => ({
    publicKey: bytesToHex(publicKey),
    vrfPublicKey: bytesToHex(account.vrfPublicKey!),
    name: account.name,
    seat,
  }));
}
