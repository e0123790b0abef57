import type { Step } from '../../chain/index.js';
import type { MemberVote } from '../../consensus/index.js';
import type { Approval, SimBlock } from './chain.js';

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
  /** Where a node stands that has no vote to send: who is ahead answers. */
  | { readonly kind: 'status'; readonly height: number }
  /** A transaction; any leader may put it into a block. */
  | { readonly kind: 'approval'; readonly height: number; readonly approval: Approval }
  | { readonly kind: 'body'; readonly height: number; readonly block: SimBlock }
  /** Answer to anything about a decided height: block (null for E_h) and certificate. */
  | {
      readonly kind: 'decided';
      readonly height: number;
      readonly value: string;
      readonly block: SimBlock | null;
      readonly votes: readonly MemberVote[];
    };
