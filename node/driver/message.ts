import {
  bytes,
  bytesBetween,
  type Codec,
  embeddedBlockCodec,
  encode,
  type Infer,
  integer,
  limits,
  list,
  PERIOD_MAX,
  struct,
  tryDecode,
  uint,
} from '../../chain/index.js';

/** A leader's block with its signature under the block's hash. */
const proposalCodec = struct({ block: embeddedBlockCodec, signature: bytes(64) });
/** Encoded votes: own ones, a soft quorum's, the next quorum that justifies a period. */
const votesCodec = list(bytesBetween(1, limits.voteBytesMax), 4 * limits.membersMax);
/** Where a node stands, and in which period of the next height; who is behind asks it for the rest. */
const statusCodec = struct({ height: uint, hash: bytes(32), period: integer(0, PERIOD_MAX) });

/** What travels on the topic "consensus". Kinds have explicit numbers, never reused. */
export type ConsensusMessage =
  | { readonly kind: 'proposal'; readonly proposal: Infer<typeof proposalCodec> }
  | { readonly kind: 'votes'; readonly votes: readonly Uint8Array[] }
  | { readonly kind: 'status'; readonly status: Infer<typeof statusCodec> };

// 1 was a proposal with its block as a value.
const PROPOSAL = 5;
const VOTES = 2;
// 3 was a status without its period.
const STATUS = 4;

export const MESSAGE_BYTES_MAX = limits.blockBytesMax + 4_096;

const messageCodec: Codec<ConsensusMessage> = {
  toNode: (message) => {
    switch (message.kind) {
      case 'proposal':
        return [PROPOSAL, proposalCodec.toNode(message.proposal)];
      case 'votes':
        return [VOTES, votesCodec.toNode(message.votes)];
      case 'status':
        return [STATUS, statusCodec.toNode(message.status)];
      default:
        return message satisfies never;
    }
  },
  fromNode: (node, path) => {
    const [kind, body, ...rest] = Array.isArray(node) ? node : [];
    if (rest.length === 0 && kind === PROPOSAL)
      return { kind: 'proposal', proposal: proposalCodec.fromNode(body, path) };
    if (rest.length === 0 && kind === VOTES) return { kind: 'votes', votes: votesCodec.fromNode(body, path) };
    if (rest.length === 0 && kind === STATUS)
      return { kind: 'status', status: statusCodec.fromNode(body, path) };
    return statusCodec.fromNode(null, path) as never;
  },
};

export function encodeMessage(message: ConsensusMessage): Uint8Array {
  return encode(messageCodec, message);
}

/** Null: not a message of ours. Nothing in it is verified yet. */
export function decodeMessage(raw: Uint8Array): ConsensusMessage | null {
  const decoded = tryDecode(messageCodec, raw, MESSAGE_BYTES_MAX);
  return decoded.ok ? decoded.value : null;
}

/** A leader's own block as it rests on disk, so that a restart proposes the same one again. */
export function encodeProposal(proposal: Infer<typeof proposalCodec>): Uint8Array {
  return encode(proposalCodec, proposal);
}

export function decodeProposal(raw: Uint8Array): Infer<typeof proposalCodec> | null {
  const decoded = tryDecode(proposalCodec, raw, MESSAGE_BYTES_MAX);
  return decoded.ok ? decoded.value : null;
}
export type SignedProposal = Infer<typeof proposalCodec>;
