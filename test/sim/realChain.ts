import {
  type Block,
  blockHash,
  decodeCertificate,
  encodeCertificate,
  nonceCell,
  type ParentVote,
  readState,
  signProposal,
  signTransaction,
  signVote,
  toNode,
  type UnsignedVote,
  type VerifiedTransaction,
  verifyProposal,
  verifyTransaction,
  verifyVote,
} from '../../chain/index.js';
import {
  type AgreementVote,
  buildBlock,
  createCertificate,
  emptyBlock,
  judgeBlock,
  judgeEmpty,
  type MemberVote,
  nextCommittee,
  proveSeed,
  quorumOf,
  type RingSeat,
  type Tip,
  verifyCertificate,
  verifySeed,
} from '../../consensus/index.js';
import {
  accountOf,
  addCodec,
  type Closings,
  openProposalsOf,
  removeCodec,
  seatedOf,
} from '../../contracts/index.js';
import { bytesToHex, equalBytes, hexToBytes, vrfPublicKeyOf } from '../../crypto/index.js';
import { startChain } from '../../genesis/index.js';
import { person, testGenesis } from '../support/genesis.js';
import type { Approval, Change, Draft, SimBlock, SimChain, SimTip } from './chain.js';
import { isDone, JOINERS_MAX } from './membership.js';

interface RealTip extends SimTip {
  readonly tip: Tip;
}

interface RealBlock extends SimBlock {
  readonly block: Block;
  readonly signature: Uint8Array | null;
}

/** A call of the identity contract. */
interface RealApproval extends Approval {
  readonly transaction: VerifiedTransaction;
}

const NO_CLOSINGS: Closings = new Map();
const noPayload = () => null;

/** Few heights an era, so that what blocks say of weights and seats draws committees within one run. */
const ERA_HEIGHTS = 2;

/**
 * The rooms' own: keys of 32 bytes, the ring with weights from state, VRF seeds, blocks built, judged and executed,
 * Ed25519 under every vote, proposal and certificate, the identity contract under joining and leaving. Memory stands for disk and wire, and nothing else does.
 *
 * Cost: a quarter of a second a seed at 4 members and 5 heights: signatures, VRF, execution.
 */
export function realChain(nodes: number): SimChain {
  const { genesis, validators: first } = testGenesis(nodes, 0);
  const joiners = Array.from({ length: JOINERS_MAX }, (_, i) => person(`joiner-${i + 1}`));
  const validators = [...first, ...joiners];
  const { chainId, rules, tip } = startChain({
    ...genesis,
    params: { ...genesis.params, eraHeights: ERA_HEIGHTS },
  });
  const keys = validators.map(({ publicKey }) => publicKey);
  const nodeOf = new Map(keys.map((key, node) => [bytesToHex(key), node]));
  const indexOf = ({ publicKey }: Pick<RingSeat, 'publicKey'>) => nodeOf.get(bytesToHex(publicKey))!;
  const checked = new Set<string>();
  const tips = new Map<string, Tip>();
  const drawn = new WeakMap<Tip, readonly RingSeat[]>();
  const announced = new WeakMap<SimBlock, { readonly tip: Tip; readonly isLeaders: boolean }>();

  /** Drawn once for each tip. */
  const seatsAfter = (tip: Tip): readonly RingSeat[] => {
    const known = drawn.get(tip);
    if (known) return known;
    const seats = nextCommittee(rules, tip);
    drawn.set(tip, seats);
    return seats;
  };

  const isSigned = (node: number, vote: MemberVote): boolean => {
    const key = keys[node];
    if (!key) return false;
    const name = `${node} ${vote.height} ${vote.period} ${vote.step} ${vote.value} ${vote.signature}`;
    if (checked.has(name)) return true;
    if (!verifyVote(chainId, key, unsigned(vote), hexToBytes(vote.signature))) return false;
    checked.add(name);
    return true;
  };

  const checkLeaders = (tip: Tip, { block, signature }: RealBlock): boolean => {
    const { header } = block;
    const { height, leader, seedProof: proof } = header;
    const first = seatsAfter(tip)[0]!;
    if (height !== tip.height + 1 || leader === null || proof === null || signature === null) return false;
    if (!equalBytes(leader, first.publicKey)) return false;
    if (!verifyProposal(chainId, leader, height, blockHash(header), signature)) return false;
    const { vrfPublicKey } = first;
    const seed = verifySeed({ vrfPublicKey, height, parentSeed: tip.seed, proof });
    return seed !== null && equalBytes(seed, header.seed);
  };

  /** A block is announced again and again: its signature and proof are checked once for each tip. */
  const isLeaders = ({ tip }: RealTip, block: RealBlock): boolean => {
    const known = announced.get(block);
    if (known?.tip === tip) return known.isLeaders;
    const answer = checkLeaders(tip, block);
    announced.set(block, { tip, isLeaders: answer });
    return answer;
  };

  const toParentVotes = (tip: Tip, votes: readonly MemberVote[]): readonly ParentVote[] =>
    votes
      .map(({ member, period, signature }) => ({
        voter: tip.committee[member]!.publicKey,
        period,
        signature: hexToBytes(signature),
      }))
      .sort((a, b) => Buffer.compare(a.voter, b.voter));

  const wrap = (
    block: Block,
    leader: number | null,
    payloadBytes: number,
    signature: Uint8Array | null,
    approvals: readonly Approval[] = [],
  ): RealBlock => {
    const value = bytesToHex(blockHash(block.header));
    return { height: block.header.height, value, leader, payloadBytes, approvals, block, signature };
  };

  const seats = ({ tip }: RealTip): readonly number[] =>
    seatedOf(readState(tip.state))
      .map(indexOf)
      .sort((a, b) => a - b);

  /** Signed once for each nonce: the same on every tip that has it. */
  const signed = new Map<string, RealApproval>();
  const voteFor = (by: number, nonce: number, change: Change): RealApproval => {
    const name = `${by} ${nonce} ${change.kind} ${change.node}`;
    const known = signed.get(name);
    if (known) return known;
    const { publicKey: from, secret } = validators[by]!;
    const { publicKey, vrfSecret, name: hospital } = validators[change.node]!;
    const candidate = { publicKey, vrfPublicKey: vrfPublicKeyOf(vrfSecret), name: hospital, hospital };
    const call =
      change.kind === 'join'
        ? { method: 'add', args: toNode(addCodec, candidate) }
        : { method: 'remove', args: toNode(removeCodec, { publicKey }) };
    const unsigned = { chainId, level: 0, from, nonce, contract: 'identity', ...call, payloads: [] };
    const verified = verifyTransaction(signTransaction(unsigned, secret), chainId);
    if (!verified.ok) throw new Error(`bug: an own transaction is refused: ${verified.reason}`);
    const made = { by, change, transaction: verified.value };
    signed.set(name, made);
    return made;
  };

  return {
    genesis: { height: 0, value: bytesToHex(tip.hash), stateRoot: '', votes: [], tip } as RealTip,
    eraHeights: ERA_HEIGHTS,
    seats,
    approve(at: RealTip, by, change) {
      const state = readState(at.tip.state);
      const { publicKey } = validators[by]!;
      if (accountOf(state, publicKey) === null || isDone(change, seats(at))) return null;
      const subject = validators[change.node]!.publicKey;
      const same = openProposalsOf(state).find(
        ({ change: open }) =>
          (open.kind === 'join' || open.kind === 'leave') &&
          equalBytes(open.publicKey, subject) &&
          (open.kind === 'join') === (change.kind === 'join'),
      );
      if (same?.approvals.some((key) => equalBytes(key, publicKey))) return null;
      return voteFor(by, nonceCell.get(state, bytesToHex(publicKey)) ?? 0, change);
    },
    committee: ({ tip }: RealTip) => seatsAfter(tip).map(indexOf),
    empty: ({ tip }: RealTip): RealBlock => wrap(emptyBlock(rules, tip, NO_CLOSINGS).block, null, 0, null),
    isLeaders,
    isSigned,
    build({ tip }: RealTip, leader, draft: Draft): RealBlock {
      const { publicKey, secret, vrfSecret } = validators[leader]!;
      const height = tip.height + 1;
      const { seed, proof } = proveSeed(vrfSecret, height, tip.seed);
      const time = Math.max(tip.time + 1, genesis.time + draft.now);
      const parentVotes = toParentVotes(tip, draft.parentVotes);
      const approvals = draft.approvals as readonly RealApproval[];
      const candidates = approvals.map(({ transaction }) => transaction);
      const parts = { time, leader: publicKey, seed, seedProof: proof, parentVotes, candidates };
      const built = buildBlock(rules, tip, parts, NO_CLOSINGS, noPayload).block;
      const block = draft.fault === null ? built : spoilt(built, draft.fault);
      const signature = signProposal(chainId, height, blockHash(block.header), secret);
      const taken = approvals.filter(({ transaction }) =>
        block.transactions.includes(transaction.transaction),
      );
      return wrap(block, leader, draft.payloadBytes, signature, taken);
    },
    execute({ tip }: RealTip, { block, value, leader }: RealBlock): RealTip | null {
      const judgement =
        leader === null
          ? judgeEmpty(rules, tip, block, NO_CLOSINGS)
          : judgeBlock(rules, tip, block, NO_CLOSINGS, noPayload);
      if (!judgement.ok) return null;
      const { header } = judgement.judged.block;
      const stateRoot = bytesToHex(header.stateRoot);
      // Every node executes; those that come to the same block go on from one object, so that what follows from
      // it is computed once.
      const after = tips.get(value) ?? judgement.judged.tip;
      tips.set(value, after);
      return { height: header.height, value, stateRoot, votes: [], tip: after };
    },
    sign(node, member, vote) {
      const { publicKey, secret } = validators[node]!;
      const { signature } = signVote(chainId, unsigned(vote), publicKey, secret);
      return { ...vote, member, signature: bytesToHex(signature) };
    },
    certifies({ tip }: RealTip, value, votes) {
      const committee = seatsAfter(tip);
      const byMember = new Map(votes.map((vote) => [vote.member, vote]));
      const [first] = votes;
      const match = votes.every(
        ({ height, step, value: named, period, member }) =>
          height === tip.height + 1 &&
          step === 'cert' &&
          named === value &&
          period === first?.period &&
          committee[member] !== undefined,
      );
      if (!match || byMember.size < quorumOf(committee.length)) return false;
      const made = createCertificate([...byMember.values()], committee.length);
      const certificate = decodeCertificate(encodeCertificate(chainId, made));
      return verifyCertificate({
        certificate,
        chainId,
        committee: committee.map(({ publicKey }) => publicKey),
      }).ok;
    },
  };
}

function unsigned({ height, period, step, value }: AgreementVote): UnsignedVote {
  return { height, period, step, value: value === null ? null : hexToBytes(value) };
}

/** A block that its leader signs all the same. */
function spoilt(block: Block, fault: 'seed' | 'body'): Block {
  const field = fault === 'seed' ? 'seed' : 'stateRoot';
  const flipped = Uint8Array.from(block.header[field], (byte, i) => (i === 7 ? byte ^ 1 : byte));
  return { ...block, header: { ...block.header, [field]: flipped } };
}
