import type { ReplayEntry } from '../../audit/index.js';
import {
  applyChanges,
  type Block,
  createDraft,
  encodeBlock,
  encodeCertificate,
  nonceCell,
  type ParentVote,
  payloadId,
  type Receipt,
  readState,
  type StateAccess,
  type StateReader,
  signTransaction,
  signVote,
  type Transaction,
  type VerifiedTransaction,
  verifyTransaction,
} from '../../chain/index.js';
import {
  buildBlock,
  createCertificate,
  type Draft,
  emptyBlock,
  type Judged,
  judgeBlock,
  nextCommittee,
  proveSeed,
  type RingSeat,
  type Rules,
  type Tip,
} from '../../consensus/index.js';
import {
  closedRoundCell,
  closingJob,
  dueClosings,
  gridAt,
  gridOf,
  type Params,
  roundCell,
  runClosing,
  signEnrolment,
  type TaskSpec,
  taskCell,
} from '../../contracts/index.js';
import { bytesToHex, drbg, utf8ToBytes } from '../../crypto/index.js';
import type { ComputedOutcome, RoundOutcome } from '../../fl/index.js';
import {
  addNoise,
  calibrateSigma16,
  encodeUpdate,
  fixedClipping,
  noiseCount,
  numberFeature,
  oneStep,
  parameterCount,
  roundToFine,
  schemaHash,
  toWire,
} from '../../fl/index.js';
import { type Genesis, startChain } from '../../genesis/index.js';
import { type Person, testGenesis } from './genesis.js';

export interface Call {
  readonly from: Person;
  readonly contract: string;
  readonly method: string;
  readonly args: unknown;
  readonly level?: number;
  readonly payloads?: readonly Uint8Array[];
}

export interface ChainOptions {
  readonly hospitals?: number;
  /** Other rules than the chain spec's: versions of the protocol that there are not yet. */
  readonly rules?: (rules: Rules<RoundOutcome>) => Rules<RoundOutcome>;
  readonly devicesEach?: number;
  readonly params?: Partial<Params>;
  readonly adjust?: (genesis: Genesis) => Genesis;
  /** Writes into the state before block 1, beside what genesis wrote: a history that a test need not play. */
  readonly write?: (state: StateAccess, people: ReturnType<typeof testGenesis>) => void;
}

/**
 * A chain without a network: real keys, signatures, seeds, execution, verdicts and certificates; every block is
 * built, judged and certified. The members who vote may be chosen.
 */
export function createTestChain(options: ChainOptions = {}) {
  const people = testGenesis(options.hospitals ?? 4, options.devicesEach ?? 1);
  const given = { ...people.genesis, params: { ...people.genesis.params, ...options.params } };
  const genesis = options.adjust?.(given) ?? given;
  const started = startChain(genesis);
  const written = createDraft(readState(started.tip.state));
  options.write?.(written, people);
  const chain = {
    ...started,
    rules: options.rules?.(started.rules) ?? started.rules,
    tip: { ...started.tip, state: applyChanges(started.tip.state, written.changes) },
  };
  const payloads = new Map<string, Uint8Array>();
  const entries: ReplayEntry[] = [];
  const blocks: Judged[] = [];
  let tip = chain.tip;
  let parentVotes: readonly ParentVote[] = [];

  const payloadOf = (id: Uint8Array) => payloads.get(bytesToHex(id)) ?? null;
  const secretOf = (seat: RingSeat) =>
    people.validators.find(({ publicKey }) => Buffer.compare(publicKey, seat.publicKey) === 0)!;

  /** Signs a call with the sender's next nonce, `ahead` of it, and holds its payloads. */
  function sign(call: Call, ahead = 0): VerifiedTransaction {
    const { from, contract, method, args, level = 0, payloads: bytes = [] } = call;
    const nonce = (nonceCell.get(readState(tip.state), bytesToHex(from.publicKey)) ?? 0) + ahead;
    const refs = bytes.map((payload) => ({ id: payloadId(payload), size: payload.length }));
    for (const [i, { id }] of refs.entries()) payloads.set(bytesToHex(id), bytes[i]!);
    const { chainId } = chain;
    const unsigned = { chainId, from: from.publicKey, nonce, contract, method, args, level, payloads: refs };
    return verified(signTransaction(unsigned, from.secret), chainId);
  }

  function closings(): ReadonlyMap<string, ComputedOutcome> {
    const due = dueClosings(readState(tip.state), tip.height, tip.time).filter(({ quorate }) => quorate);
    return new Map(due.map((closing) => [closing.id, runClosing(closingJob(closing, payloadOf)!)]));
  }

  function leader(): Person {
    return secretOf(nextCommittee(chain.rules, tip)[0]!);
  }

  function draft(candidates: readonly VerifiedTransaction[], time = tip.time + 10): Draft {
    const { publicKey, vrfSecret } = leader();
    const { seed, proof } = proveSeed(vrfSecret, tip.height + 1, tip.seed);
    return { time, leader: publicKey, seed, seedProof: proof, parentVotes, candidates };
  }

  /** The leader's next block, not yet part of the chain. */
  function build(candidates: readonly VerifiedTransaction[], time?: number): Judged {
    return buildBlock(chain.rules, tip, draft(candidates, time), closings(), payloadOf);
  }

  function judge(block: Block) {
    return judgeBlock(chain.rules, tip, block, closings(), payloadOf);
  }

  /** Certifies a block with the cert votes of `voters` (all members, unless told otherwise), and goes on from it. */
  function adopt(judged: Judged, voters: (seat: RingSeat, index: number) => boolean = () => true): Judged {
    const { committee } = judged.tip;
    const votes = certVotes(chain.chainId, judged.tip, committee, secretOf).filter(({ member }) =>
      voters(committee[member]!, member),
    );
    const members = votes.map(({ member, vote }) => ({
      height: vote.height,
      period: vote.period,
      step: 'cert' as const,
      member,
      value: bytesToHex(judged.hash),
      signature: bytesToHex(vote.signature),
    }));
    const certificate = createCertificate(members, committee.length);
    for (const [id, payload] of judged.executed.payloads) payloads.set(id, payload);
    entries.push({
      block: encodeBlock(judged.block),
      certificate: encodeCertificate(chain.chainId, certificate),
      payloads: judged.block.transactions.flatMap((transaction) =>
        transaction.payloads.map(({ id }) => payloadOf(id)!),
      ),
    });
    blocks.push(judged);
    parentVotes = toParentVotes(votes);
    tip = judged.tip;
    return judged;
  }

  /** One leader's block of these calls, judged by the others before it is adopted. */
  function block(calls: readonly Call[], time?: number, voters?: Parameters<typeof adopt>[1]): Judged {
    const ahead = new Map<Person, number>();
    const candidates = calls.map((call) => {
      const nth = ahead.get(call.from) ?? 0;
      ahead.set(call.from, nth + 1);
      return sign(call, nth);
    });
    const built = build(candidates, time);
    const judgement = judge(built.block);
    if (!judgement.ok) throw new Error(`the own block is invalid: ${judgement.reason} ${judgement.detail}`);
    return adopt(judgement.judged, voters);
  }

  return {
    ...people,
    genesis,
    chain,
    payloads,
    entries,
    blocks,
    get tip(): Tip {
      return tip;
    },
    get state(): StateReader {
      return readState(tip.state);
    },
    get parentVotes() {
      return parentVotes;
    },
    payloadOf,
    secretOf,
    sign,
    closings,
    leader,
    draft,
    build,
    judge,
    adopt,
    block,
    /** The height is decided for the empty block. */
    empty: (voters?: Parameters<typeof adopt>[1]) => adopt(emptyBlock(chain.rules, tip, closings()), voters),
    /** One call in a block of its own: what became of it. */
    call: (call: Call): Receipt => block([call]).executed.receipts[1]!,
    /** The refusal of one call in a block of its own; null if it was taken. */
    refusal: (call: Call): string | null => block([call]).executed.receipts[1]!.code,
  };
}

export type TestChain = ReturnType<typeof createTestChain>;

export function verified(transaction: Transaction, chainId: Uint8Array): VerifiedTransaction {
  const checked = verifyTransaction(transaction, chainId);
  if (!checked.ok) throw new Error(checked.reason);
  return checked.value;
}

/** Every member's cert vote for a block, in committee order. */
export function certVotes(
  chainId: Uint8Array,
  { height, hash }: Tip,
  committee: readonly RingSeat[],
  secretOf: (seat: RingSeat) => Person,
  period = 0,
) {
  return committee.map((seat, member) => ({
    member,
    vote: signVote(
      chainId,
      { height, period, step: 'cert', value: hash },
      seat.publicKey,
      secretOf(seat).secret,
    ),
  }));
}

export function toParentVotes(votes: ReturnType<typeof certVotes>): ParentVote[] {
  return votes
    .map(({ vote: { voter, period, signature } }) => ({ voter, period, signature }))
    .sort((a, b) => Buffer.compare(a.voter, b.voter));
}

const feature = (name: string) =>
  numberFeature({
    name,
    centerMicro: 0,
    scaleMicro: 1_000_000,
    minMicro: -5_000_000,
    maxMicro: 5_000_000,
    source: 'a test',
  });

/** A small task: two features, logistic regression, noise for ε = 3 over all its rounds. */
export function taskSpec(change: Partial<TaskSpec> = {}): TaskSpec {
  const rounds = change.rounds ?? 3;
  const budget = { epsilonMicro: 3_000_000, deltaPico: 100_000_000 };
  return {
    title: 'a test',
    level: 1,
    model: { inputs: 2, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] },
    weightsSeed: new Uint8Array(32),
    schema: {
      features: [feature('a'), feature('b')],
      label: { name: 'y', classes: ['0', '1'], weights16: [] },
      subject: null,
      site: null,
    },
    publicData: false,
    learningRate16: 65_536,
    rounds,
    privacy: { unit: 'record', ...budget, sigma16: calibrateSigma16({ ...budget, rounds }), clip16: 65_536 },
    verification: { rule: 'alignment', front: 'none', faulty: 0, reputation: 'absolute' },
    aggregation: 'mean',
    server: { step: 'fedavg', momentum16: 0, secondMoment16: 0, adaptivity16: 1 },
    clipping: fixedClipping,
    local: oneStep,
    devicesMax: 4,
    quorum: 3,
    enrolMs: 1_000,
    deadlineMs: 500,
    deadlineBlocks: 2,
    auditHeights: 100_000,
    reward: 0,
    ...change,
  };
}

/** A task without noise, on data declared public: what a device sends is what counts. */
export function publicTask(change: Partial<TaskSpec> = {}): TaskSpec {
  const privacy = { unit: 'record', epsilonMicro: 0, deltaPico: 0, sigma16: 0, clip16: 65_536 } as const;
  return taskSpec({ publicData: true, privacy, ...change });
}

/** A server step that keeps two moments of every weight from round to round. */
export const fedAdam: TaskSpec['server'] = {
  step: 'fedadam',
  momentum16: 58_982,
  secondMoment16: 64_881,
  adaptivity16: 656,
};

/** Who is there, and what the state says: all that a call needs of a chain. */
type Setting = Pick<TestChain, 'publisher' | 'validators' | 'chain' | 'state'>;

export const dataset = new Uint8Array(32).fill(7);

export const publishCall = (test: Setting, spec: TaskSpec): Call => ({
  from: test.publisher,
  contract: 'tasks',
  method: 'publish',
  level: spec.level,
  args: { spec },
});

export const declareCall = (from: Person, change: object = {}): Call => ({
  from,
  contract: 'privacy',
  method: 'declare',
  args: { dataset, unit: 'record', epsilonMicro: 3_000_000, deltaPico: 100_000_000, order: null, ...change },
});

/** An application with the approval of the device's own validator under exactly its terms. */
export function applyCall(test: Setting, from: Person, change: object = {}, by?: Person): Call {
  const task = taskCell.get(test.state, 1);
  const schema = (task?.spec ?? taskSpec()).schema;
  const terms = { task: 1, units: 10, dataset, schemaHash: schemaHash(schema), ...change };
  const validator = by ?? test.validators.find(({ name }) => from.name.startsWith(`${name}-`))!;
  const approval = signEnrolment(test.chain.chainId, { ...terms, device: from.publicKey }, validator.secret);
  return { from, contract: 'tasks', method: 'apply', level: 1, args: { ...terms, approval } };
}

/**
 * A device's noised sum on the wire lattice of task 1; `value` in every entry, noise from its name and the round. Where
 * the task asks for a count: that of so many more units that were not clipped than were.
 */
export function updateBytes(test: TestChain, from: Person, round: number, value = 3, count = 0): Uint8Array {
  const task = taskCell.get(test.state, 1)!;
  const grid = gridAt(test.state, task, round) ?? gridOf(task);
  const sum = new Float64Array(parameterCount(task.spec.model)).fill(value);
  const random = drbg(utf8ToBytes(`noise of ${from.name} in ${round}`));
  const wire = toWire(addNoise(roundToFine(sum, grid), grid, random), grid);
  return encodeUpdate(wire, grid, grid.countSigma16 === null ? null : noiseCount(count, grid, random));
}

export function updateCall(test: TestChain, from: Person, round: number, payload?: Uint8Array): Call {
  const payloads = [payload ?? updateBytes(test, from, round)];
  return { from, contract: 'training', method: 'update', level: 1, args: { task: 1, round }, payloads };
}

/** Publishes task 1, declares, enrols every device in one block, and goes on until round 1 is open. */
export function startTask(test: TestChain, spec: TaskSpec, devices = test.devices): void {
  test.block([publishCall(test, spec)]);
  const declared = devices.map((device) => declareCall(device));
  const applied = devices.map((device) => applyCall(test, device));
  test.block([...declared, ...applied]);
  for (let blocks = 0; roundCell.get(test.state, 1) === null; blocks += 1) {
    if (blocks > 3) throw new Error('no round opens');
    test.block([], test.tip.time + spec.enrolMs);
  }
}

/** All these devices' updates for the open round in one block, then the block that closes it. */
export function playRound(test: TestChain, devices = test.devices): void {
  const { round } = roundCell.get(test.state, 1)!;
  test.block(devices.map((device) => updateCall(test, device, round)));
  test.block([]);
  if (closedRoundCell.get(test.state, 1, round) === null) throw new Error(`round ${round} is still open`);
}
