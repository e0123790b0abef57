import type { Step } from '../../chain/index.js';
import type { MemberVote } from '../../consensus/index.js';
import type { SimBlock } from './chain.js';

export type Message =
  /** The signed header; with `body`, transactions and payloads come along. */
  | { readonly kind: 'proposal'; readonly height: number; readonly block: SimBlock; readonly body: boolean }
  /** A vote of this step; a re-send if `step` is null. */
  | {
      readonly kind: 'votes';
      readonly height: number;
      readonly step: Step | null;
      readonly votes: readonly MemberVote[];
    }
  | { readonly kind: 'fetch'; readonly height: number; readonly value: string }
  | { readonly kind: 'body'; readonly height: number; readonly block: SimBlock }
  /** Answer to anything about a decided height: block (null for E_h) and certificate. */
  | {
      readonly kind: 'decided';
      readonly height: number;
      readonly value: string;
      readonly block: SimBlock | null;
      readonly votes: readonly MemberVote[];
    };
