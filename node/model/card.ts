import { encodedColumns, parameterCount, RATE_ALL, type Refusal, WEIGHT_ONE } from '../../fl/index.js';
import type { ModelFacts, RoundFacts } from './facts.js';

const ONE16 = 65_536;

/** A model card: what a chain says of a model, for people (Markdown) and programs. Written from facts alone. */
export interface ModelCard {
  readonly title: string;
  readonly task: number;
  readonly status: ModelFacts['status'];
  readonly predicts: { readonly column: string; readonly classes: readonly string[] };
  readonly inputs: readonly { readonly name: string; readonly source: string }[];
  /** What each number of an encoded row is. */
  readonly columns: readonly string[];
  readonly model: {
    readonly id: string;
    readonly parameters: number;
    readonly layers: ModelFacts['spec']['model']['layers'];
  };
  readonly training: {
    readonly rounds: {
      readonly asked: number;
      readonly closed: number;
      /** Closed too, but they only lowered the threshold. */
      readonly searched: number;
      readonly failed: number;
    };
    readonly learningRate: number;
    /** The first and largest threshold, and the rule by which it moved. */
    readonly clip: number;
    readonly clipping: string;
    /** What stood in front of the verification rule, and the rule. */
    readonly front: string;
    readonly verification: string;
    readonly aggregation: string;
    readonly serverStep: string;
    /** What a device did in a round, and in how many noised steps. */
    readonly local: { readonly step: string; readonly steps: number };
    readonly classWeights: readonly number[];
  };
  readonly hospitals: readonly { readonly name: string; readonly devices: number; readonly units: number }[];
  /** Null: trained without noise, on data that its publisher declared public. */
  readonly privacy: {
    readonly unit: string;
    readonly epsilon: number;
    readonly delta: number;
    readonly sigma: number;
    /** Share of units drawn in secret for each step: declared; 1: all of them. */
    readonly rate: number;
  } | null;
  readonly verdicts: readonly DeviceVerdicts[];
  readonly chain: ModelFacts['chain'];
  /** replayed: every verdict and model was computed again; told: a node said so. */
  readonly known: 'replayed' | 'told';
  readonly files: readonly { readonly name: string; readonly sha256: string }[];
  readonly software: string;
}

export interface DeviceVerdicts {
  readonly name: string;
  readonly hospital: string;
  readonly qualified: number;
  readonly refused: Readonly<Partial<Record<Refusal, number>>>;
  readonly blacklisted: boolean;
}

/** Pure. */
export function modelCard(facts: ModelFacts, files: ModelCard['files'], software: string): ModelCard {
  const { spec, rounds, devices } = facts;
  const { privacy, schema } = spec;
  const count = (status: RoundFacts['status']): number =>
    rounds.filter((round) => round.status === status).length;
  const names = [...new Set(devices.map(({ hospital }) => hospital))].sort((a, b) => (a < b ? -1 : 1));
  return {
    title: spec.title,
    task: facts.task,
    status: facts.status,
    predicts: { column: schema.label.name, classes: schema.label.classes },
    inputs: schema.features.map(({ name, source }) => ({ name, source })),
    columns: encodedColumns(schema),
    model: { id: facts.model.id, parameters: parameterCount(spec.model), layers: spec.model.layers },
    training: {
      rounds: {
        asked: spec.rounds,
        closed: count('closed'),
        searched: count('searched'),
        failed: count('failed'),
      },
      learningRate: spec.learningRate16 / ONE16,
      clip: privacy.clip16 / ONE16,
      clipping: spec.clipping.rule,
      front: spec.verification.front,
      verification: spec.verification.rule,
      aggregation: spec.aggregation,
      serverStep: spec.server.step,
      local: { step: spec.local.step, steps: spec.local.steps },
      classWeights: schema.label.weights16.map((weight16) => weight16 / WEIGHT_ONE),
    },
    hospitals: names.map((name) => {
      const own = devices.filter(({ hospital }) => hospital === name);
      return { name, devices: own.length, units: own.reduce((sum, { units }) => sum + units, 0) };
    }),
    privacy:
      privacy.sigma16 === 0
        ? null
        : {
            unit: privacy.unit,
            epsilon: privacy.epsilonMicro / 1e6,
            delta: privacy.deltaPico / 1e12,
            sigma: privacy.sigma16 / ONE16,
            rate: spec.local.rate32 / RATE_ALL,
          },
    verdicts: devices.map((device) => verdictsOf(device, rounds)),
    chain: facts.chain,
    known: facts.from === 'export' ? 'replayed' : 'told',
    files,
    software,
  };
}

function verdictsOf(
  { id, name, hospital }: ModelFacts['devices'][number],
  rounds: readonly RoundFacts[],
): DeviceVerdicts {
  const own = rounds.flatMap(({ verdicts }) => verdicts.filter(({ device }) => device === id));
  const refused: Partial<Record<Refusal, number>> = {};
  for (const { reason } of own) if (reason !== null) refused[reason] = (refused[reason] ?? 0) + 1;
  const qualified = own.filter((verdict) => verdict.qualified).length;
  return { name, hospital, qualified, refused, blacklisted: own.at(-1)?.blacklisted ?? false };
}

/** The card as Markdown. Pure. */
export function formatCard(card: ModelCard): string {
  const { predicts, model, training, chain } = card;
  const classes = predicts.classes.map((name) => `"${cell(name)}"`);
  const [negative, positive] = classes;
  const answer =
    classes.length === 2
      ? `the probability that \`${cell(predicts.column)}\` is ${positive} rather than ${negative}`
      : `for each of ${classes.join(', ')} the probability that \`${cell(predicts.column)}\` is it`;
  return `${[
    `# ${cell(card.title)}`,
    `Task ${card.task} of the chain \`${chain.id}\` (${cell(chain.name)}), ${card.status}, as of block ${chain.height} (\`${chain.hash}\`).`,
    '## What it is',
    `Gives ${answer}, from ${card.columns.length} numbers that \`schema.json\` makes of ${card.inputs.length} features. ${model.parameters} parameters; layers: ${model.layers.map(({ kind, ...fields }) => [kind, ...Object.values(fields)].join(' ')).join(', ')}. It has not been approved for the care of patients by anything that is written here.`,
    table(
      ['feature', 'where its centre, scale and bounds come from'],
      card.inputs.map(({ name, source }) => [name, source]),
    ),
    '## How it was trained',
    `${training.rounds.closed} of ${training.rounds.asked} rounds closed, ${training.rounds.searched > 0 ? `${training.rounds.searched} searched for the clipping bound and left the model as it was, ` : ''}${training.rounds.failed} failed for lack of updates. Learning rate ${training.learningRate}, clipping bound ${training.clip} (\`${training.clipping}\`), verification \`${training.verification}\` behind \`${training.front}\`, aggregation \`${training.aggregation}\`, server step \`${training.serverStep}\`, on devices \`${training.local.step}\` in ${training.local.steps} step(s)${training.classWeights.length === 0 ? '' : `, class weights ${training.classWeights.join(', ')}`}.`,
    table(
      ['hospital', 'devices', 'units (records) enrolled'],
      card.hospitals.map(({ name, devices, units }) => [name, String(devices), String(units)]),
    ),
    '## Privacy',
    privacyText(card),
    '## Verdicts',
    table(
      ['device', 'hospital', 'rounds qualified', 'rounds refused', 'blacklisted'],
      card.verdicts.map(({ name, hospital, qualified, refused, blacklisted }) => {
        const reasons = Object.entries(refused).map(([reason, count]) => `${count} ${reason}`);
        return [name, hospital, String(qualified), reasons.join(', ') || '0', blacklisted ? 'yes' : 'no'];
      }),
    ),
    '## How to verify it',
    verifyText(card),
    table(
      ['file', 'SHA-256'],
      card.files.map(({ name, sha256 }) => [name, `\`${sha256}\``]),
    ),
    `Written by ${card.software}.`,
  ].join('\n\n')}\n`;
}

function privacyText({ privacy }: ModelCard): string {
  if (privacy === null)
    return 'None: trained without noise, on data that the publisher declared public. The model may have memorised rows.';
  const { unit, epsilon, delta, sigma, rate } = privacy;
  const drawn =
    rate === 1
      ? ''
      : ` It rests on devices drawing ${rate} of their units in secret for each step, *declared* too.`;
  return `ε = ${epsilon} at δ = ${delta} for each ${unit}, over all rounds, *declared*: every update was charged to its device's ledger, which no round may overdraw, but nobody can see from outside that a device really added its noise (multiplier σ = ${sigma}), or that two declared datasets do not overlap.${drawn}`;
}

function verifyText({ model, chain, known, task }: ModelCard): string {
  const how =
    known === 'replayed'
      ? 'This card was written after a replay of the exported chain from its genesis: every verdict and every model was computed again.'
      : 'This card was written from what a node said; nothing of it was replayed.';
  return [
    `The chain names the model by its id \`${model.id}\`, which commits to its bytes. ${how} To check it yourself, export the chain from any node and replay it without a network:`,
    '```\nconsilium chain export chain.car --node URL\n' +
      `consilium chain verify chain.car --genesis genesis.json --anchor ${chain.height}:${chain.hash}\n` +
      `consilium model export ${task} --car chain.car --genesis genesis.json --format safetensors --to again\n\`\`\``,
    'The last command writes the same weights, byte for byte, once the task is done.',
  ].join('\n\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A text of the chain inside Markdown: whoever wrote it makes no rows, no markup and no lines of ours. */
function cell(text: string): string {
  return /^`[0-9a-f]+`$/.test(text) ? text : text.replace(/[\\`*_[\]<>|#]/g, '\\$&').replace(/\s+/g, ' ');
}
