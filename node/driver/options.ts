import type { ParentVote } from '../../chain/index.js';
import type { AgreementInput, Evidence, Judged, Rules, Tip } from '../../consensus/index.js';
import type { Params } from '../../contracts/index.js';
import type { RoundOutcome } from '../../fl/index.js';
import type { PayloadExchange, Transport } from '../../net/index.js';
import type { Logger } from '../log.js';
import type { Mempool } from '../mempool.js';
import type { Store } from '../store/index.js';
import type { Clock } from './clock.js';
import type { Closer } from './closer.js';
import type { Decided, HeightWork } from './height.js';
import type { MarkedInputs } from './marks.js';
import type { SignedProposal } from './message.js';

export interface DriverOptions {
  readonly rules: Rules<RoundOutcome>;
  readonly params: Params;
  /** Where the store's chain ends. */
  readonly tip: Tip;
  readonly store: Store;
  readonly payloadOf: (id: Uint8Array) => Uint8Array | null;
  readonly mempool: Mempool;
  readonly transport: Pick<Transport, 'publish' | 'connectedPeers' | 'penalize'>;
  readonly payloads: PayloadExchange;
  readonly closer: Closer;
  readonly marks: Pick<MarkedInputs, 'forClosing'>;
  readonly clock: Clock;
  /** Heights begin so many ms apart at the least, see Pace. */
  readonly blockSpacingMs: number;
  readonly keys: {
    readonly publicKey: Uint8Array;
    readonly secret: Uint8Array;
    readonly vrfSecret: Uint8Array;
  };
  readonly log: Logger;
  /** Asks a peer for a leader's block that votes carry and we never got; null: it has none. */
  readonly requestProposal: (peer: string, height: number, value: string) => Promise<SignedProposal | null>;
  /** A member signed what no honest one signs. */
  readonly onOffence: (evidence: Evidence) => void;
  /** The block of a height is at hand with its certificate, and adopted next: no vote of ours matters. */
  readonly isDecided: (height: number) => boolean;
  /** A height was decided, by these cert votes for `hash`: what was said at it is in `work`. */
  readonly onDecided: (work: HeightWork, hash: Uint8Array, votes: readonly ParentVote[]) => void;
  /** An input came when its height was decided: nobody acts on it any more. */
  readonly onMissed: (work: HeightWork, input: AgreementInput) => void;
  /** A height was decided elsewhere, and this node had no part in it. */
  readonly onPulled: (decided: Decided) => void;
  /** Blocks were decided, one after the other, and are on disk. */
  readonly onCommit: (run: readonly Judged[]) => void;
  /** The next height has begun: messages that came too early can be taken now. */
  readonly onBegin: () => void;
  /** Something that must not happen did: the node has to stop. */
  readonly onFatal: (error: Error) => void;
}
