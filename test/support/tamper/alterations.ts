// Over 500 lines: one table of alterations, which is read from top to bottom.
import type { ReplayEntry } from '../../../audit/index.js';
import {
  type Block,
  decodeCertificate,
  encodeBlock,
  encodeCertificate,
  type Header,
  payloadId,
  type StateAccess,
  signVote,
  type Transaction,
  treeEntries,
} from '../../../chain/index.js';
import { type Closings, ledgerCell } from '../../../contracts/index.js';
import { bytesToHex, concatBytes } from '../../../crypto/index.js';
import type { ComputedOutcome } from '../../../fl/index.js';
import type { TestChain } from '../chain.js';
import { type CarPieces, entryBytes, section } from './car.js';
import { certified, closingsAt, everyone, forgeBlock, reseal, type Signers, tipBefore } from './forge.js';

/** What an auditor gets instead of the chain, and where the audit has to say that it is wrong. */
export interface Alteration {
  /** First height whose bytes differ from the true file’s: the audit may go on from the state before it. */
  readonly from: number;
  /** Header of the file, then the bytes from that height on. */
  readonly pieces: readonly Uint8Array[];
  readonly height: number;
  /** Only where the audit has to name it. */
  readonly transaction?: number;
  readonly key?: string;
}

export interface Stage {
  readonly test: TestChain;
  readonly pieces: CarPieces;
  /** Another chain of the same hospitals. */
  readonly foreign: TestChain;
  /** A whole number below the limit, by the seed. */
  readonly below: (limit: number) => number;
}

/** A way to alter a chain; null: not at the place that chance chose. */
export type Kind = (stage: Stage) => Alteration | null;

const flip = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

function anyHeight({ test, below }: Stage): number {
  return 1 + below(test.blocks.length);
}

/** The header, these bytes in the place of one height, and all behind it as it was. */
function replaced(
  { pieces }: Stage,
  height: number,
  bytes: Uint8Array,
  named: Partial<Alteration> = {},
): Alteration {
  return { from: height, pieces: [pieces.header, bytes, ...pieces.heights.slice(height)], height, ...named };
}

function replacedEntry(stage: Stage, height: number, entry: ReplayEntry, named: Partial<Alteration> = {}) {
  return replaced(stage, height, entryBytes(entry), named);
}

/** A height that a leader made and that holds at least so many transactions, and its parts. */
function leaderBlock(
  stage: Stage,
  transactions = 0,
): { height: number; block: Block; entry: ReplayEntry } | null {
  const height = anyHeight(stage);
  const { block } = stage.test.blocks[height - 1]!;
  if (block.header.leader === null || block.transactions.length < transactions) return null;
  return { height, block, entry: stage.test.entries[height - 1]! };
}

/** One of the four, or two of them: never a quorum. */
const minority = ({ below }: Stage): Signers => {
  const [one, other] = [below(4), below(4)];
  return (member) => member === one || member === other;
};

// The file, by somebody who has no key and computes nothing anew.

const bitOfAnyHeight: Kind = (stage) => {
  const height = anyHeight(stage);
  const bytes = stage.pieces.heights[height - 1]!;
  return replaced(stage, height, flip(bytes, stage.below(8 * bytes.length)));
};

const bitOfTheHeader: Kind = ({ test, pieces, below }) => {
  const { header, heights } = pieces;
  const bit = below(8 * header.length);
  // The digest of the last block, which nothing else says: the file then ends before what it promises.
  const isRoot = bit >> 3 >= header.length - 41 && bit >> 3 < header.length - 9;
  const last = test.blocks.length;
  const from = isRoot ? last : 1;
  const rest = isRoot ? heights.slice(last - 1) : heights;
  return { from, pieces: [flip(header, bit), ...rest], height: isRoot ? last + 1 : 1 };
};

const truncated: Kind = (stage) => {
  const height = anyHeight(stage);
  const bytes = stage.pieces.heights[height - 1]!;
  const cut = bytes.subarray(0, stage.below(bytes.length));
  return { from: height, pieces: [stage.pieces.header, cut], height };
};

const droppedHeight: Kind = (stage) => {
  const height = 1 + stage.below(stage.test.blocks.length - 1);
  return replaced(stage, height, new Uint8Array(0));
};

const repeatedHeight: Kind = (stage) => {
  const height = 2 + stage.below(stage.test.blocks.length - 1);
  return replaced(
    stage,
    height,
    concatBytes(stage.pieces.heights[height - 2]!, stage.pieces.heights[height - 1]!),
  );
};

const swappedHeights: Kind = (stage) => {
  const height = 1 + stage.below(stage.test.blocks.length - 1);
  const { header, heights } = stage.pieces;
  const [one, two] = [heights[height - 1]!, heights[height]!];
  return { from: height, pieces: [header, two, one, ...heights.slice(height + 1)], height };
};

const otherChainsBlock: Kind = (stage) => {
  const height = 1 + stage.below(stage.foreign.entries.length);
  return replacedEntry(stage, height, stage.foreign.entries[height - 1]!, { key: 'chainId' });
};

// Blocks, certificates and payloads, by somebody who names every block of the file anew.

const swappedTransactions: Kind = (stage) => {
  const at = leaderBlock(stage, 2);
  if (at === null) return null;
  const i = stage.below(at.block.transactions.length - 1);
  const transactions = at.block.transactions.map((one, j, all) =>
    j === i ? all[i + 1]! : j === i + 1 ? all[i]! : one,
  );
  const block = encodeBlock({ ...at.block, transactions });
  return replacedEntry(stage, at.height, reordered(stage, { ...at.entry, block }, transactions));
};

const droppedTransaction: Kind = (stage) => {
  const at = leaderBlock(stage, 1);
  if (at === null) return null;
  const i = stage.below(at.block.transactions.length);
  const transactions = at.block.transactions.filter((_, j) => j !== i);
  const block = encodeBlock({ ...at.block, transactions });
  return replacedEntry(stage, at.height, reordered(stage, { ...at.entry, block }, transactions));
};

/** Payloads in the order of these transactions. */
function reordered({ test }: Stage, entry: ReplayEntry, transactions: readonly Transaction[]): ReplayEntry {
  const payloads = transactions.flatMap((one) => one.payloads.map(({ id }) => test.payloadOf(id)!));
  return { ...entry, payloads };
}

const alteredPayload: Kind = (stage) => {
  const at = leaderBlock(stage, 1);
  if (at === null || at.entry.payloads.length === 0) return null;
  const i = stage.below(at.entry.payloads.length);
  const payloads = at.entry.payloads.map((one, j) =>
    j === i ? flip(one!, stage.below(8 * one!.length)) : one,
  );
  const transaction = at.block.transactions.findIndex((_, t, all) => payloadsOf(all.slice(0, t + 1)) > i);
  const key = bytesToHex(payloadId(at.entry.payloads[i]!));
  return replacedEntry(stage, at.height, { ...at.entry, payloads }, { transaction, key });
};

const payloadsOf = (transactions: readonly Transaction[]): number =>
  transactions.reduce((sum, { payloads }) => sum + payloads.length, 0);

const extraPayload: Kind = (stage) => {
  const height = anyHeight(stage);
  const chunk = section(0x55, Uint8Array.of(stage.below(256), stage.below(256)));
  // It stands behind what the height announces, where the next block should.
  const bytes = concatBytes(stage.pieces.heights[height - 1]!, chunk);
  return { ...replaced(stage, height, bytes), height: height + 1 };
};

type Certificate = Omit<ReturnType<typeof decodeCertificate>, 'chainId'>;

function withCertificate(change: (certificate: Certificate, stage: Stage) => Partial<Certificate>): Kind {
  return (stage) => {
    const height = anyHeight(stage);
    const entry = stage.test.entries[height - 1]!;
    const { chainId, ...certificate } = decodeCertificate(entry.certificate);
    const altered = encodeCertificate(chainId, { ...certificate, ...change(certificate, stage) });
    return replacedEntry(stage, height, { ...entry, certificate: altered }, { key: 'certificate' });
  };
}

const reorderedCertificate = withCertificate(({ signatures }, { below }) => {
  const i = below(signatures.length - 1);
  return {
    signatures: signatures.map((one, j) =>
      j === i ? signatures[i + 1]! : j === i + 1 ? signatures[i]! : one,
    ),
  };
});
const alteredSignature = withCertificate(({ signatures }, { below }) => {
  const i = below(signatures.length);
  return { signatures: signatures.map((one, j) => (j === i ? flip(one, below(512)) : one)) };
});
const thinCertificate = withCertificate(({ signatures }) => ({
  bitmap: Uint8Array.of(0b11),
  signatures: signatures.slice(0, 2),
}));
const repeatedSignature = withCertificate(({ signatures }, { below }) => {
  const one = signatures[below(signatures.length)]!;
  return { signatures: signatures.map(() => one) };
});
const otherPeriod = withCertificate(({ period }, { below }) => ({ period: period + 1 + below(9) }));

const otherCertificate: Kind = (stage) => {
  const height = anyHeight(stage);
  const other = 1 + ((height + stage.below(stage.test.entries.length - 1)) % stage.test.entries.length);
  const { certificate } = stage.test.entries[other - 1]!;
  return replacedEntry(
    stage,
    height,
    { ...stage.test.entries[height - 1]!, certificate },
    { key: 'certificate' },
  );
};

// A leader with its own key, and at most one more: blocks that are valid, or sealed anew in every hash.

const droppedUpdateByMinority: Kind = (stage) => {
  const at = leaderBlock(stage, 2);
  if (at === null) return null;
  const transactions = at.block.transactions.slice(0, -1 - stage.below(at.block.transactions.length - 1));
  const { block } = forgeBlock(stage.test, at.height, { transactions });
  return replacedEntry(stage, at.height, certified(stage.test, block, minority(stage)), {
    key: 'certificate',
  });
};

const laterTimeByMinority: Kind = (stage) => {
  const at = leaderBlock(stage);
  if (at === null) return null;
  const time = at.block.header.time + 1 + stage.below(5);
  const { block } = forgeBlock(stage.test, at.height, { time });
  return replacedEntry(stage, at.height, certified(stage.test, block, minority(stage)), {
    key: 'certificate',
  });
};

// Everybody signs: all keys have leaked. Hashes, roots and certificate are right, the rules are broken.

/** A transaction whose sender signed something else, in a block that all certify. */
function withTransaction(change: (transaction: Transaction, stage: Stage) => Transaction | null): Kind {
  return (stage) => {
    const at = leaderBlock(stage, 1);
    if (at === null) return null;
    const i = stage.below(at.block.transactions.length);
    const altered = change(at.block.transactions[i]!, stage);
    if (altered === null) return null;
    const transactions = at.block.transactions.map((one, j) => (j === i ? altered : one));
    const block = reseal(at.block, { body: { transactions } });
    return replacedEntry(stage, at.height, certified(stage.test, block, everyone), { transaction: i });
  };
}

const alteredEpsilon = withTransaction((transaction, { below }) => {
  const args = transaction.args as { readonly epsilonMicro: number };
  if (transaction.contract !== 'privacy') return null;
  return { ...transaction, args: { ...args, epsilonMicro: args.epsilonMicro + 1 + below(1_000) } };
});
const alteredRound = withTransaction((transaction) => {
  const args = transaction.args as { readonly round: number };
  if (transaction.method !== 'update') return null;
  return { ...transaction, args: { ...args, round: args.round + 1 } };
});
const alteredNonce = withTransaction((transaction, { below }) => ({
  ...transaction,
  nonce: transaction.nonce + 1 + below(3),
}));
const otherSender = withTransaction((transaction, { test, below }) => {
  const { publicKey } = test.devices[below(test.devices.length)]!;
  return bytesToHex(publicKey) === bytesToHex(transaction.from) ? null : { ...transaction, from: publicKey };
});
const alteredTransactionSignature = withTransaction((transaction, { below }) => ({
  ...transaction,
  signature: flip(transaction.signature, below(512)),
}));

/** A device's update, altered by whoever leads: payload, its id and every root fit, the device's signature does not. */
const alteredUpdate: Kind = (stage) => {
  const at = leaderBlock(stage, 1);
  const i = at === null ? -1 : stage.below(at.block.transactions.length);
  const transaction = at?.block.transactions[i];
  const ref = transaction?.payloads[0];
  if (at === null || transaction === undefined || ref === undefined) return null;
  const bytes = stage.test.payloadOf(ref.id)!;
  const altered = flip(bytes, stage.below(8 * bytes.length));
  const payloads = [{ id: payloadId(altered), size: altered.length }];
  const transactions = at.block.transactions.map((one, j) => (j === i ? { ...transaction, payloads } : one));
  const block = reseal(at.block, { body: { transactions } });
  const held = new Map([[bytesToHex(payloads[0]!.id), altered]]);
  return replacedEntry(stage, at.height, certified(stage.test, block, everyone, held), { transaction: i });
};

/** A verdict or a model other than the updates make it. */
function withOutcome(change: (outcome: ComputedOutcome, stage: Stage) => ComputedOutcome): Kind {
  return (stage) => {
    const at = leaderBlock(stage);
    const closings = at === null ? new Map() : closingsAt(stage.test, at.height);
    if (at === null || closings.size === 0) return null;
    const altered: Closings = new Map([...closings].map(([id, outcome]) => [id, change(outcome, stage)]));
    const { block } = forgeBlock(stage.test, at.height, { closings: altered });
    return replacedEntry(stage, at.height, certified(stage.test, block, everyone));
  };
}

const alteredVerdict = withOutcome((outcome, { below }) => {
  const i = below(outcome.verdicts.length);
  const verdicts = outcome.verdicts.map((one, j) =>
    j === i
      ? { ...one, qualified: !one.qualified, reason: one.qualified ? ('opposes' as const) : null }
      : one,
  );
  return { ...outcome, verdicts };
});
const alteredScore = withOutcome((outcome, { below }) => {
  const i = below(outcome.verdicts.length);
  return {
    ...outcome,
    verdicts: outcome.verdicts.map((one, j) => (j === i ? { ...one, score16: one.score16 + 1 } : one)),
  };
});
const alteredModel = withOutcome((outcome, { below }) => ({
  ...outcome,
  weights: flip(outcome.weights, below(8 * outcome.weights.length)),
}));
const alteredAccumulator = withOutcome((outcome, { below }) => ({
  ...outcome,
  accumulator:
    outcome.accumulator === null ? null : flip(outcome.accumulator, below(8 * outcome.accumulator.length)),
}));

/** Something that the leader's own rules write into the state. */
function withState(write: (state: StateAccess, stage: Stage, height: number) => boolean, key?: string): Kind {
  return (stage) => {
    const at = leaderBlock(stage);
    if (at === null) return null;
    let written = false;
    const evil = (state: StateAccess): void => {
      written = write(state, stage, at.height);
    };
    const { block } = forgeBlock(stage.test, at.height, { evil });
    if (!written) return null;
    return replacedEntry(
      stage,
      at.height,
      certified(stage.test, block, everyone),
      key === undefined ? {} : { key },
    );
  };
}

const overspentLedger = withState((state, { test, below }, height) => {
  const ledgers = entriesOf(test, height).filter(([key]) => key.startsWith(`${ledgerCell.key()}/`));
  if (ledgers.length === 0) return false;
  const ids = ledgers[below(ledgers.length)]![0].split('/').slice(-2) as [string, string];
  const ledger = ledgerCell.get(state, ...ids)!;
  const rhoSpent = ledger.rhoSpent / 2n;
  const change =
    below(2) === 0
      ? { rhoSpent: rhoSpent === ledger.rhoSpent ? 1n : rhoSpent }
      : { rhoCap: ledger.rhoCap + 1n };
  ledgerCell.set(state, { ...ledger, ...change }, ...ids);
  return true;
}, 'stateRoot');

const alteredState = withState((state, { test, below }, height) => {
  const entries = entriesOf(test, height);
  const [key, value] = entries[below(entries.length)]!;
  // A record of the past: no other rule reads it, so the block can be made, and only the state root tells.
  if (!key.startsWith('training/closed/')) return false;
  state.set(key, flip(value, below(8 * value.length)));
  return true;
}, 'stateRoot');

const inventedRecord = withState((state, { below }) => {
  state.set(`training/closed/1/${100 + below(1_000)}`, Uint8Array.of(below(256)));
  return true;
}, 'stateRoot');

function entriesOf(test: TestChain, height: number): readonly (readonly [string, Uint8Array])[] {
  return [...treeEntries(tipBefore(test, height).state)];
}

/** A header that says something else, and that all certify. */
function withHeader(
  change: (header: Header, stage: Stage, height: number) => Partial<Header> | null,
  key?: string,
): Kind {
  return (stage) => {
    const at = leaderBlock(stage);
    const header = at === null ? null : change(at.block.header, stage, at.height);
    if (at === null || header === null) return null;
    const block = reseal(at.block, { header });
    return replacedEntry(
      stage,
      at.height,
      certified(stage.test, block, everyone),
      key === undefined ? {} : { key },
    );
  };
}

const earlyTime = withHeader(({ time }, { test, below }, height) => {
  const parent = tipBefore(test, height).time;
  return parent >= time ? null : { time: Math.max(0, parent - below(1_000)) };
}, 'time');
const otherLeader = withHeader((_, { test, below }, height) => {
  const seats = test.blocks[height - 1]!.tip.committee;
  return { leader: seats[1 + below(seats.length - 1)]!.publicKey };
}, 'leader');
const chosenSeed = withHeader(({ seed }, { below }) => ({ seed: flip(seed, below(256)) }), 'seed');
const forgedProof = withHeader(
  ({ seedProof }, { below }) => ({ seedProof: flip(seedProof!, below(640)) }),
  'seed',
);
const noProof = withHeader(() => ({ seedProof: null }), 'seed');
const otherRing = withHeader(
  ({ nextRingRoot }, { below }) => ({ nextRingRoot: flip(nextRingRoot, below(256)) }),
  'nextRingRoot',
);
const otherReceipts = withHeader(
  ({ receiptsRoot }, { below }) => ({ receiptsRoot: flip(receiptsRoot, below(256)) }),
  'receiptsRoot',
);
const otherStateRoot = withHeader(
  ({ stateRoot }, { below }) => ({ stateRoot: flip(stateRoot, below(256)) }),
  'stateRoot',
);
const otherParent = withHeader(({ parent }, { below }) => ({ parent: flip(parent, below(256)) }), 'parent');

/** Votes for the parent that were not given, or were given to something else. */
const forgedParentVotes: Kind = (stage) => {
  const at = leaderBlock(stage);
  if (at === null || at.block.parentVotes.length === 0) return null;
  const i = stage.below(at.block.parentVotes.length);
  const tip = tipBefore(stage.test, at.height);
  const parentVotes = at.block.parentVotes.map((vote, j) => {
    if (j !== i) return vote;
    const seat = tip.committee.find(({ publicKey }) => bytesToHex(publicKey) === bytesToHex(vote.voter))!;
    const { secret } = stage.test.secretOf(seat);
    const other = { height: tip.height, period: vote.period, step: 'soft', value: tip.hash } as const;
    const { signature } = signVote(stage.test.chain.chainId, other, vote.voter, secret);
    return { ...vote, signature };
  });
  const block = reseal(at.block, { body: { parentVotes } });
  return replacedEntry(stage, at.height, certified(stage.test, block, everyone), { key: 'parentVotes' });
};

const fewParentVotes: Kind = (stage) => {
  const at = leaderBlock(stage);
  if (at === null || at.block.parentVotes.length === 0) return null;
  const parentVotes = at.block.parentVotes.slice(0, 1 + stage.below(2));
  const block = reseal(at.block, { body: { parentVotes } });
  return replacedEntry(stage, at.height, certified(stage.test, block, everyone), { key: 'parentVotes' });
};

/** Every kind by its name; each is drawn as often as it stands here, the single bits more often. */
export const kinds: Readonly<Record<string, Kind>> = {
  bitOfAnyHeight,
  bitOfAnyHeight2: bitOfAnyHeight,
  bitOfAnyHeight3: bitOfAnyHeight,
  bitOfAnyHeight4: bitOfAnyHeight,
  bitOfTheHeader,
  truncated,
  droppedHeight,
  repeatedHeight,
  swappedHeights,
  otherChainsBlock,
  swappedTransactions,
  droppedTransaction,
  alteredPayload,
  extraPayload,
  reorderedCertificate,
  alteredSignature,
  thinCertificate,
  repeatedSignature,
  otherPeriod,
  otherCertificate,
  droppedUpdateByMinority,
  laterTimeByMinority,
  alteredEpsilon,
  alteredRound,
  alteredNonce,
  otherSender,
  alteredTransactionSignature,
  alteredUpdate,
  alteredVerdict,
  alteredScore,
  alteredModel,
  alteredAccumulator,
  overspentLedger,
  alteredState,
  inventedRecord,
  earlyTime,
  otherLeader,
  chosenSeed,
  forgedProof,
  noProof,
  otherRing,
  otherReceipts,
  otherStateRoot,
  otherParent,
  forgedParentVotes,
  fewParentVotes,
};
