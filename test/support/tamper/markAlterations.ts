import type { ReplayEntry } from '../../../audit/index.js';
import { decodeBlock, decodeReceipt, encodeReceipt, merkleRoot, type Receipt } from '../../../chain/index.js';
import type { Alteration, Kind, Stage } from './alterations.js';
import { entryBytes } from './car.js';
import { certified, everyone, reseal } from './forge.js';

/*
 * Alterations of what a pruned export gives in the place of bytes. Whoever makes them names every block of the file
 * anew, so only what the chain says can tell.
 */

type Verdict = readonly [qualified: boolean, reason: string | null, score16: number];
type Name = readonly [id: Uint8Array, size: number];
type Outcome = readonly [
  verdicts: readonly Verdict[],
  weights: Name,
  accumulator: Name | null,
  optimizer: Name | null,
];

/** A height that comes with receipts, and where it is. */
function markedHeight({ test, below }: Stage): { readonly height: number; readonly entry: ReplayEntry } {
  const heights = test.entries.flatMap(({ receipts }, i) => (receipts === undefined ? [] : [i + 1]));
  const height = heights[below(heights.length)]!;
  return { height, entry: test.entries[height - 1]! };
}

function replaced({ pieces }: Stage, height: number, entry: ReplayEntry, key: string): Alteration {
  const rest = pieces.heights.slice(height);
  return { from: height, pieces: [pieces.header, entryBytes(entry), ...rest], height, key };
}

function withReceipts(
  change: (receipts: readonly Receipt[], stage: Stage) => readonly Receipt[] | null,
): Kind {
  return (stage) => {
    const { height, entry } = markedHeight(stage);
    const changed = change(entry.receipts!.map(decodeReceipt), stage);
    if (changed === null) return null;
    const receipts = changed.map(encodeReceipt);
    return replaced(stage, height, { ...entry, receipts }, 'receiptsRoot');
  };
}

function withOutcome(change: (outcome: Outcome, stage: Stage) => Outcome | null): Kind {
  return withReceipts((receipts, stage) => {
    const [begun, ...others] = receipts;
    const at = begun!.events.findIndex(({ kind }) => kind === 'closed');
    if (at === -1) return null;
    const fields = begun!.events[at]!.fields as { readonly outcome: Outcome };
    const outcome = change(fields.outcome, stage);
    if (outcome === null) return null;
    const event = { ...begun!.events[at]!, fields: { ...fields, outcome } };
    return [{ ...begun!, events: begun!.events.map((one, i) => (i === at ? event : one)) }, ...others];
  });
}

const flip = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

function oneOf(
  verdicts: readonly Verdict[],
  { below }: Stage,
  change: (verdict: Verdict) => Verdict,
): readonly Verdict[] {
  const at = below(verdicts.length);
  return verdicts.map((verdict, i) => (i === at ? change(verdict) : verdict));
}

const markedScore = withOutcome(([verdicts, ...rest], stage) => [
  oneOf(verdicts, stage, ([qualified, reason, score]) => [qualified, reason, score + 1]),
  ...rest,
]);
const markedVerdict = withOutcome(([verdicts, ...rest], stage) => [
  oneOf(verdicts, stage, ([qualified, , score]) => [!qualified, qualified ? 'opposes' : null, score]),
  ...rest,
]);
const markedModel = withOutcome(([verdicts, [id, size], ...memory], { below }) => [
  verdicts,
  [flip(id, below(256)), size],
  ...memory,
]);
const markedModelSize = withOutcome(([verdicts, [id, size], ...memory], { below }) => [
  verdicts,
  [id, size + 1 + below(9)],
  ...memory,
]);
const markedAccumulator = withOutcome(([verdicts, model, memory, optimizer], { below }) =>
  memory === null ? null : [verdicts, model, [flip(memory[0], below(256)), memory[1]], optimizer],
);

/** Taken for refused, or refused for taken: whether its payload passed is all that is left of an update. */
const markedPassing = withReceipts((receipts, { below }) => {
  if (receipts.length < 2) return null;
  const at = 1 + below(receipts.length - 1);
  return receipts.map((receipt, i) => {
    if (i !== at) return receipt;
    const refusal = { ok: false, code: 'over-norm-cap', detail: 'too long', events: [] } as const;
    return { ...receipt, ...(receipt.ok ? refusal : { ok: true, code: null, detail: null }) };
  });
});

const droppedReceipt = withReceipts((receipts, { below }) => {
  const at = below(receipts.length);
  return receipts.length < 2 ? null : receipts.filter((_, i) => i !== at);
});

const swappedReceipts = withReceipts((receipts, { below }) => {
  if (receipts.length < 3) return null;
  const at = 1 + below(receipts.length - 2);
  return receipts.map((one, i) => (i === at ? receipts[at + 1]! : i === at + 1 ? receipts[at]! : one));
});

/** None at all, where something is absent. */
const noReceipts: Kind = (stage) => {
  const { height, entry } = markedHeight(stage);
  if (!entry.payloads.includes(null)) return null;
  const { block, certificate, payloads } = entry;
  return replaced(stage, height, { block, certificate, payloads }, 'receiptsRoot');
};

const alteredMade: Kind = (stage) => {
  const { height, entry } = markedHeight(stage);
  if (entry.made === undefined || entry.made.length === 0) return null;
  const at = stage.below(entry.made.length);
  const made = entry.made.map((bytes, i) => (i === at ? flip(bytes, stage.below(8 * bytes.length)) : bytes));
  return replaced(stage, height, { ...entry, made }, 'payloads');
};

/** All keys have leaked: the header names the altered receipts, and everybody certifies it. The state says otherwise. */
const certifiedReceipts: Kind = (stage) => {
  const { height, entry } = markedHeight(stage);
  const block = decodeBlock(entry.block);
  const [begun, ...others] = entry.receipts!.map(decodeReceipt);
  const at = begun!.events.findIndex(({ kind }) => kind === 'closed');
  if (at === -1 || block.header.leader === null) return null;
  const { outcome, ...fields } = begun!.events[at]!.fields as { readonly outcome: Outcome };
  const [verdicts, ...rest] = outcome;
  const altered = oneOf(verdicts, stage, ([qualified, reason, score]) => [qualified, reason, score + 1]);
  const event = { ...begun!.events[at]!, fields: { ...fields, outcome: [altered, ...rest] } };
  const changed = { ...begun!, events: begun!.events.map((one, i) => (i === at ? event : one)) };
  const receipts = [changed, ...others].map(encodeReceipt);
  const sealed = reseal(block, { header: { receiptsRoot: merkleRoot(receipts) } });
  const forged = { ...entry, ...certified(stage.test, sealed, everyone), payloads: entry.payloads, receipts };
  return replaced(stage, height, forged, 'stateRoot');
};

export const markKinds: Readonly<Record<string, Kind>> = {
  markedScore,
  markedVerdict,
  markedModel,
  markedModelSize,
  markedAccumulator,
  markedPassing,
  droppedReceipt,
  swappedReceipts,
  noReceipts,
  alteredMade,
  certifiedReceipts,
};
