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

const proposalMessage = bodyOf(PROPOSAL, proposalCodec);
const votesMessage = bodyOf(VOTES, votesCodec);
const statusMessage = bodyOf(STATUS, statusCodec);

/** A list of two: which kind, and its body. */
function bodyOf<T>(kind: number, body: Codec<T>) {
  return struct({ kind: integer(kind, kind), body });
}

const messageCodec: Codec<ConsensusMessage> = {
  write: (out, message) => {
    switch (message.kind) {
      case 'proposal':
        return proposalMessage.write(out, { kind: PROPOSAL, body: message.proposal });
      case 'votes':
        return votesMessage.write(out, { kind: VOTES, body: message.votes });
      case 'status':
        return statusMessage.write(out, { kind: STATUS, body: message.status });
      default:
        return message satisfies never;
    }
  },
  read: (input) => {
    // Behind the list's head, which takes one byte as the kind does.
    switch (input.bytes[input.at + 1]) {
      case PROPOSAL:
        return { kind: 'proposal', proposal: proposalMessage.read(input).body };
      case VOTES:
        return { kind: 'votes', votes: votesMessage.read(input).body };
      case STATUS:
        return { kind: 'status', status: statusMessage.read(input).body };
      default:
        throw input.shape('no kind of message that is known');
    }
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
