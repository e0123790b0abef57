import { join } from 'node:path';
import {
  type Block,
  blockHash,
  encodeCertificate,
  encodeVote,
  type Header,
  signProposal,
  signVote,
  type UnsignedVote,
} from '../../chain/index.js';
import { bytesToHex, sha256, utf8ToBytes } from '../../crypto/index.js';
import {
  createMemoryNetwork,
  defaultNetLimits,
  type MemoryNetwork,
  type NetLimits,
} from '../../net/index.js';
import { encodeMessage, MESSAGE_BYTES_MAX } from '../../node/driver/message.js';
import { createTestChain } from './chain.js';
import { TestClock } from './clock.js';
import { openNode, type Person, person, tempFolder, writeChain } from './network.js';

export const TIP = 6;

/** A chain of six heights, on disk. */
export const test = createTestChain();
while (test.tip.height < TIP) test.adopt(test.build([]));

/** A message nobody should send, and what a node at height 6 makes of it. */
export interface Bad {
  readonly what: string;
  readonly bytes: () => Uint8Array;
  readonly metric: string;
  /** Standing that it costs its deliverer. */
  readonly points: number;
}

const value = sha256(utf8ToBytes('some block'));
const member = (): Person => test.validators[1]!;
export const soft = (height: number, change: Partial<UnsignedVote> = {}): UnsignedVote => ({
  height,
  period: 0,
  step: 'soft',
  value,
  ...change,
});

export function wireVote(
  vote: UnsignedVote,
  who = member(),
  chainId = test.chain.chainId,
  secret = who.secret,
): Uint8Array {
  return encodeVote(chainId, signVote(chainId, vote, who.publicKey, secret));
}

export const votes = (...all: readonly Uint8Array[]) => encodeMessage({ kind: 'votes', votes: all });

/** The leader's valid block of the next height, changed before or after it signs. */
function proposal(
  change: {
    readonly signed?: (header: Header) => Header;
    readonly sent?: (block: Block) => Block;
    readonly by?: Person;
  } = {},
): Uint8Array {
  const { block } = test.build([]);
  const header = change.signed?.(block.header) ?? block.header;
  const by = change.by ?? test.leader();
  const signature = signProposal(test.chain.chainId, header.height, blockHash(header), by.secret);
  const sent = change.sent?.({ ...block, header }) ?? { ...block, header };
  return encodeMessage({ kind: 'proposal', proposal: { block: sent, signature } });
}

const otherThanLeader = () => test.validators.find((who) => who !== test.leader())!;

export const badMessages: readonly Bad[] = [
  {
    what: 'bytes that are no message',
    bytes: () => Uint8Array.of(1, 2, 3),
    metric: 'refusedMalformed',
    points: 10,
  },
  { what: 'nothing', bytes: () => new Uint8Array(0), metric: 'refusedMalformed', points: 10 },
  {
    what: 'a vote under another domain tag',
    bytes: () => {
      const { chainId } = test.chain;
      const certificate = {
        height: TIP + 1,
        period: 0,
        hash: value,
        bitmap: Uint8Array.of(1),
        signatures: [],
      };
      return votes(encodeCertificate(chainId, certificate));
    },
    metric: 'refusedMalformed',
    points: 10,
  },
  {
    what: 'a vote with a byte too many',
    bytes: () => votes(Uint8Array.of(...wireVote(soft(TIP + 1)), 0)),
    metric: 'refusedMalformed',
    points: 10,
  },
  {
    what: 'a vote of another chain',
    bytes: () => votes(wireVote(soft(TIP + 1), member(), value)),
    metric: 'refusedWrongChain',
    points: 10,
  },
  {
    what: 'a soft vote for nothing',
    bytes: () => votes(wireVote(soft(TIP + 1, { value: null }))),
    metric: 'refusedEmptyValue',
    points: 10,
  },
  { what: 'no votes', bytes: () => votes(), metric: 'refusedNoVotes', points: 10 },
  {
    what: 'more votes than a committee has',
    bytes: () => votes(...Array.from({ length: 25 }, (_, period) => wireVote(soft(TIP + 1, { period })))),
    metric: 'refusedTooManyVotes',
    points: 10,
  },
  {
    what: 'votes of two heights',
    bytes: () => votes(wireVote(soft(TIP + 1)), wireVote(soft(TIP + 2))),
    metric: 'refusedMixedHeights',
    points: 10,
  },
  {
    what: 'a vote of a key that has no seat',
    bytes: () => votes(wireVote(soft(TIP + 1), test.devices[0]!)),
    metric: 'refusedNotAMember',
    points: 10,
  },
  {
    what: 'a late vote of a key that has no seat',
    bytes: () => votes(wireVote(soft(TIP, { step: 'cert' }), test.devices[0]!)),
    metric: 'refusedNotAMember',
    points: 10,
  },
  {
    what: 'a member’s vote with another’s signature',
    bytes: () => votes(wireVote(soft(TIP + 1), member(), test.chain.chainId, test.validators[2]!.secret)),
    metric: 'refusedBadSignature',
    points: 10,
  },
  {
    what: 'a cert vote for the tip with another’s signature',
    bytes: () =>
      votes(
        wireVote(
          soft(TIP, { step: 'cert', value: test.tip.hash }),
          member(),
          test.chain.chainId,
          person('x').secret,
        ),
      ),
    metric: 'refusedBadSignature',
    points: 10,
  },
  {
    what: 'a block of another chain',
    bytes: () => proposal({ signed: (header) => ({ ...header, chainId: value }) }),
    metric: 'refusedWrongChain',
    points: 10,
  },
  {
    what: 'a block of a member that doesn’t lead',
    bytes: () =>
      proposal({
        signed: (header) => ({ ...header, leader: otherThanLeader().publicKey }),
        by: otherThanLeader(),
      }),
    metric: 'refusedNotTheLeader',
    points: 10,
  },
  {
    what: 'the empty block as a proposal',
    bytes: () => proposal({ signed: (header) => ({ ...header, leader: null }) }),
    metric: 'refusedNotTheLeader',
    points: 10,
  },
  {
    what: 'a leader’s block that another signed',
    bytes: () => proposal({ by: otherThanLeader() }),
    metric: 'refusedBadSignature',
    points: 10,
  },
  {
    what: 'a leader’s block with a wrong seed proof',
    bytes: () =>
      proposal({
        signed: (header) => ({
          ...header,
          seedProof: header.seedProof!.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
        }),
      }),
    metric: 'refusedBadSeedProof',
    points: 10,
  },
  {
    what: 'a leader’s block without a seed proof',
    bytes: () => proposal({ signed: (header) => ({ ...header, seedProof: null }) }),
    metric: 'refusedBadSeedProof',
    points: 10,
  },
  {
    what: 'a leader’s header with another body',
    bytes: () => proposal({ sent: (block) => ({ ...block, parentVotes: block.parentVotes.slice(1) }) }),
    metric: 'refusedWrongBody',
    points: 10,
  },
  {
    what: 'more bytes than a message has',
    bytes: () => new Uint8Array(defaultNetLimits.messageBytesMax + 1),
    metric: 'refusedOversize',
    points: 25,
  },
  {
    what: 'more bytes than a block has',
    bytes: () => new Uint8Array(MESSAGE_BYTES_MAX + 1),
    metric: 'refusedMalformed',
    points: 10,
  },
  // Among the honest these happen; a claim to be far ahead is believed until it isn't made good.
  {
    what: 'a vote for a far height',
    bytes: () => votes(wireVote(soft(1_000_000))),
    metric: 'refusedFarHeight',
    points: 5,
  },
  {
    what: 'a valid vote of long ago',
    bytes: () => votes(wireVote(soft(2))),
    metric: 'refusedDecided',
    points: 0,
  },
  {
    what: 'a vote for the block decided last',
    bytes: () => votes(wireVote(soft(TIP))),
    metric: 'refusedDecided',
    points: 0,
  },
];

/** A node whose time stands still, and so its height: three of four members are silent. */
export async function nodeAlone(limits: Partial<NetLimits>) {
  const folder = await tempFolder();
  await writeChain(test, join(folder.path, 'node'));
  const errors: string[] = [];
  const memory = createMemoryNetwork({ limits, onError: (error) => void errors.push(error.message) });
  const clock = new TestClock();
  const transport = memory.transport(test.validators[0]!.secret);
  const opened = await openNode({
    chain: test.chain,
    who: test.validators[0]!,
    path: join(folder.path, 'node'),
    transport,
    clock,
  });
  await opened.node.start();
  const close = async () => {
    await opened.node.close();
    await folder.remove();
  };
  return { ...opened, memory, clock, errors, close };
}

/** Evil peers, whose own transport lets them send anything. */
export async function evilPeers(memory: MemoryNetwork, names: readonly string[]) {
  const transports = names.map((name) =>
    memory.transport(person(name).secret, { messageBytesMax: 3 * 1024 * 1024, penaltyPointsMax: 1e9 }),
  );
  for (const transport of transports) await transport.start();
  return transports;
}

/** Everything that a message may change for good. */
export function stateOf({ node, store }: Awaited<ReturnType<typeof nodeAlone>>) {
  const { height, hash } = node.tip;
  return {
    height,
    hash: bytesToHex(hash),
    records: store.records(height + 1).length,
    agreement: node.agreement(),
    mempool: node.mempool.size,
  };
}
