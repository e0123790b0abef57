import type { ReplayEntry } from '../../../audit/index.js';
import {
  asVerified,
  type Block,
  blockHash,
  type Contract,
  encodeBlock,
  encodeCertificate,
  encodeTransaction,
  type Header,
  parentVotesRoot,
  readState,
  type StateAccess,
  type Transaction,
  transactionsRoot,
  type VerifiedTransaction,
} from '../../../chain/index.js';
import { buildBlock, type Judged, type Tip } from '../../../consensus/index.js';
import { type Closings, closingJob, dueClosings, runClosing } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import type { ComputedOutcome, RoundOutcome } from '../../../fl/index.js';
import { certVotes, type TestChain, verified } from '../chain.js';

/** The end of the chain before a height. */
export function tipBefore(test: TestChain, height: number): Tip {
  return height === 1 ? test.chain.tip : test.blocks[height - 2]!.tip;
}

/** The verdicts that the block of a height begins with. */
export function closingsAt(test: TestChain, height: number): ReadonlyMap<string, ComputedOutcome> {
  const tip = tipBefore(test, height);
  const due = dueClosings(readState(tip.state), tip.height, tip.time).filter(({ quorate }) => quorate);
  return new Map(due.map((closing) => [closing.id, runClosing(closingJob(closing, test.payloadOf)!)]));
}

export interface Forgery {
  readonly transactions?: readonly Transaction[];
  readonly closings?: Closings;
  readonly time?: number;
  /** The leader takes transactions whose signatures do not verify. */
  readonly trusting?: boolean;
  /** What the leader’s own rules write into the state, beside the chain’s. */
  readonly evil?: (state: StateAccess) => void;
}

/** The block of a height as its leader would make it under other inputs or rules. Only of heights with a leader. */
export function forgeBlock(test: TestChain, height: number, forgery: Forgery): Judged {
  const { block, tip: made } = test.blocks[height - 1]!;
  const { header, parentVotes } = block;
  const contract: Contract<RoundOutcome> = {
    name: 'evil',
    methods: {},
    beginBlock: ({ state }) => forgery.evil?.(state),
  };
  const { rules } = test.chain;
  const protocol = rules.protocols.get(header.protocol)!;
  const bent = {
    ...rules,
    protocols: new Map([[header.protocol, { ...protocol, contracts: [...protocol.contracts, contract] }]]),
  };
  const take = (one: Transaction): VerifiedTransaction =>
    forgery.trusting === true ? unverified(one) : verified(one, made.chainId);
  const candidates = (forgery.transactions ?? block.transactions).map(take);
  const { seed } = header;
  const time = forgery.time ?? header.time;
  const draft = { time, leader: header.leader!, seed, seedProof: header.seedProof!, parentVotes, candidates };
  const closings = forgery.closings ?? closingsAt(test, height);
  return buildBlock(bent, tipBefore(test, height), draft, closings, test.payloadOf);
}

function unverified(transaction: Transaction): VerifiedTransaction {
  return asVerified(transaction, encodeTransaction(transaction).length);
}

/** A block whose body or header was changed by hand, its roots computed anew where the body is given. */
export function reseal(block: Block, change: { header?: Partial<Header>; body?: Partial<Block> }): Block {
  const body = { ...block, ...change.body };
  const roots = { transactionsRoot: transactionsRoot(body), parentVotesRoot: parentVotesRoot(body) };
  return { ...body, header: { ...block.header, ...roots, ...change.header } };
}

/** Which of a committee sign a block: by their place in it. */
export type Signers = (member: number) => boolean;
export const everyone: Signers = () => true;

/** The entry of a block, certified by these members with their real keys: a quorum or not. */
export function certified(
  test: TestChain,
  block: Block,
  signers: Signers,
  altered: ReadonlyMap<string, Uint8Array> = new Map(),
): ReplayEntry {
  const { height } = block.header;
  const { tip } = test.blocks[height - 1]!;
  const hash = blockHash(block.header);
  const { committee } = tip;
  const votes = certVotes(test.chain.chainId, { ...tip, hash }, committee, test.secretOf).filter(
    ({ member }) => signers(member),
  );
  const bitmap = new Uint8Array(Math.ceil(committee.length / 8));
  for (const { member } of votes) bitmap[member >> 3]! |= 1 << (member & 7);
  const signatures = votes.map(({ vote }) => vote.signature);
  const certificate = { height, period: 0, hash, bitmap, signatures };
  const refs = block.transactions.flatMap(({ payloads }) => payloads);
  return {
    block: encodeBlock(block),
    certificate: encodeCertificate(test.chain.chainId, certificate),
    payloads: refs.map(({ id }) => altered.get(bytesToHex(id)) ?? test.payloadOf(id)!),
  };
}
