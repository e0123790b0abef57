import { sha256, utf8ToBytes } from '../../crypto/index.js';
import {
  allocateBy,
  createRandom,
  defaultDqn,
  evidenceOf,
  expectedShare,
  fixedClasses,
  greedyClasses,
  openings,
  printedReward,
  randomClasses,
  trainDqn,
} from '../../pmta/index.js';
import type { Row } from '../row.js';
import { defaultWorld, type KnownArea, makeArea, type World } from '../study/areas.js';
import { defaultFederated, federateDqn } from '../study/federatedDqn.js';
import { goalRow, meanOf } from './figures.js';
import { type Context, type Measured, percent, round, type Section } from './section.js';

const RATES = [0.1, 0.2, 0.3];
const AREAS = [3, 5, 9];
const policies = ['fixed clustering', 'random', 'greedy', 'Q-network', 'the coalition known'] as const;
type Policy = (typeof policies)[number];

const { providers, classes, readers, windows, pieces, leaks, noticed, rightly, falsely } = defaultWorld;

export const allocation: Section = {
  name: 'allocation',
  title: 'Classes by a Q-network: what a coalition assembles',
  method: [
    `An area has ${providers} providers in ${classes} classes of the same size; ${readers} of a class read each piece of a task’s content, and the coalition has a piece if one of its members read it. Known of the past: ${windows} windows of ${classes * pieces} pieces, read by classes drawn at random. A member leaks ${100 * leaks} % of what it reads, publishers notice ${100 * noticed} % of that, name one who leaked in ${100 * rightly} % and else any reader, and report ${100 * falsely} % of what did not leak. Policies see these reports and the clusters, never the coalition. *Greedy* sorts by reports a piece read; *the coalition known* is the best that any can do. A seed is an area. Shares are exact means over who reads.`,
    `Federated: the areas of a seed train one network in ${defaultFederated.tasks} tasks of ${defaultFederated.rounds} rounds by the chain’s own grid and rules (\`closeRound\`), one device an area; each task’s labels come from the model of the one before, its target network. Loss and accuracy of the labels are those on an area that took no part, at 30 % malicious.`,
  ],
  seeded: true,
  run: measure,
};

interface Compared {
  readonly rate: number;
  /** One value a seed. */
  readonly shares: ReadonlyMap<Policy, readonly number[]>;
  /** Of the Q-network's classes, by how they are opened; likewise. */
  readonly opened: readonly (readonly number[])[];
}

interface Federated {
  readonly areas: number;
  /** Means over the areas of a seed. */
  readonly shares: readonly number[];
  readonly greedy: readonly number[];
  /** [seeds][rounds]. */
  readonly traces: readonly (readonly { readonly loss: number; readonly accuracy: number }[])[];
}

function measure({ seeds, say }: Context): Measured {
  const compared = RATES.map((rate): Compared => {
    say(`${rate}`);
    const runs = seeds.map((seed) => compare({ ...defaultWorld, malicious: rate }, seed));
    const shares = new Map(
      policies.map((policy) => [policy, runs.map((run) => run.shares.get(policy)!)] as const),
    );
    return { rate, shares, opened: openings.map((_, at) => runs.map(({ opened }) => opened[at]!)) };
  });
  const world: World = { ...defaultWorld, malicious: 0.3 };
  const trained = seeds.map((seed) => {
    say(`areas together, seed ${seed}`);
    const made = Array.from({ length: Math.max(...AREAS) }, (_, at) =>
      makeArea(world, `together/${seed}/${at}`),
    );
    const heldOut = makeArea(world, `held out/${seed}`);
    return AREAS.map((areas) => federate(seed, made, heldOut, areas));
  });
  const federated = AREAS.map(
    (areas, at): Federated => ({
      areas,
      shares: trained.map((runs) => runs[at]!.share),
      greedy: trained.map((runs) => runs[at]!.greedy),
      traces: trained.map((runs) => runs[at]!.trace),
    }),
  );
  return {
    backend: 'float64 in JavaScript, updates and verdicts in integers',
    rows: [...compared.flatMap(goals), ...federated.map(federatedGoal), ...printedRows()],
    tables: [policyTable(compared), openingTable(compared), federatedTable(federated)],
    plots: [collusionPlot(compared), policyPlot(compared), ...curves(federated)],
  };
}

function gated({ area, coalition }: KnownArea, given: Uint8Array): number {
  return expectedShare(given, area.sizes.length, coalition, area.readers, 'classes behind a gate');
}

function compare(world: World, seed: number) {
  const known = makeArea(world, `${world.malicious}/${seed}`);
  const { area, coalition } = known;
  const random = createRandom(sha256(utf8ToBytes(`bench/allocation/${world.malicious}/${seed}`)));
  const evidence = evidenceOf(known.pieces, providers);
  const { weights } = trainDqn(known, defaultDqn, random);
  const chosen = allocateBy(area, evidence, defaultDqn.hidden, weights).classes;
  const truth = Float64Array.from({ length: providers }, (_, at) => (coalition.has(at) ? 1 : 0));
  const given: Readonly<Record<Policy, Uint8Array>> = {
    'fixed clustering': fixedClasses(area),
    random: randomClasses(area, random),
    greedy: greedyClasses(area, evidence),
    'Q-network': chosen,
    'the coalition known': greedyClasses(area, { ...evidence, named: truth }),
  };
  return {
    shares: new Map(policies.map((policy) => [policy, gated(known, given[policy])] as const)),
    opened: openings.map((opening) => expectedShare(chosen, classes, coalition, readers, opening)),
  };
}

/** The first so many of the seed's areas, by one network. */
function federate(seed: number, made: readonly KnownArea[], heldOut: KnownArea, areas: number) {
  const own = made.slice(0, areas);
  const { weights, trace } = federateDqn(own, [heldOut], defaultFederated, `${areas}/${seed}`);
  const share = own.map((known) => {
    const evidence = evidenceOf(known.pieces, providers);
    return gated(known, allocateBy(known.area, evidence, defaultFederated.hidden, weights).classes);
  });
  const greedy = own.map((known) =>
    gated(known, greedyClasses(known.area, evidenceOf(known.pieces, providers))),
  );
  return { share: meanOf(share), greedy: meanOf(greedy), trace };
}

/** Shares, in per cent: more than greedy's by no more than nothing, less than the others' by a twentieth of theirs. */
function goals({ rate, shares }: Compared): Row[] {
  const own = shares.get('Q-network')!;
  const less = (policy: Policy) => own.map((share, at) => round(100 * (shares.get(policy)![at]! - share), 4));
  const name = (policy: Policy) => `${100 * rate} % malicious: share assembled, less than by ${policy}`;
  const least = (policy: Policy) => round(5 * meanOf(shares.get(policy)!), 2);
  return [
    goalRow(name('greedy'), less('greedy'), 'points', { least: 0 }),
    goalRow(name('random'), less('random'), 'points', { least: least('random') }, '5 % of the other'),
    goalRow(
      name('fixed clustering'),
      less('fixed clustering'),
      'points',
      { least: least('fixed clustering') },
      '5 % of the other',
    ),
  ];
}

function federatedGoal({ areas, shares, greedy }: Federated): Row {
  const less = shares.map((share, at) => round(100 * (greedy[at]! - share), 4));
  return goalRow(
    `${areas} areas together, 30 % malicious: share assembled, less than by greedy`,
    less,
    'points',
    { least: 0 },
  );
}

/** What equation 8 as printed says of three ways to class 300 providers, 90 of them malicious. */
function printedRows(): Row[] {
  const random = createRandom(sha256(utf8ToBytes('bench/allocation/printed')));
  const coalition = new Set(Array.from({ length: 90 }, (_, at) => at));
  const area = { clusters: new Uint8Array(300), sizes: [100, 100, 100], readers };
  const even = Uint8Array.from({ length: 300 }, (_, at) => 1 + (at % 3));
  const giant = Uint8Array.from({ length: 300 }, (_, at) => (at < 298 ? 1 : at - 296));
  const together = Uint8Array.from({ length: 300 }, (_, at) => 1 + Math.floor(at / 100));
  const drawn = Array.from({ length: 100 }, () => printedReward(randomClasses(area, random), 3, coalition));
  const row = (name: string, value: number, given: Uint8Array | null): Row => ({
    name: `equation 8 as printed: ${name}`,
    value: round(value, 4),
    unit: '',
    goal: null,
    met: null,
    reference:
      given === null
        ? 'mean of 100'
        : `share assembled ${(100 * expectedShare(given, 3, coalition, readers, 'classes behind a gate')).toFixed(1)} %`,
  });
  const of = (name: string, given: Uint8Array) => row(name, printedReward(given, 3, coalition), given);
  return [
    row('random classes', meanOf(drawn), null),
    of('even spreading, the optimum of equal classes', even),
    of('one giant class', giant),
    of('the malicious together in one of three', together),
  ];
}

function policyTable(compared: readonly Compared[]) {
  return {
    title: 'Share of the content that the coalition assembles behind the gate, %',
    columns: ['malicious', ...policies],
    rows: compared.map(({ rate, shares }) => [
      `${100 * rate} %`,
      ...policies.map((policy) => percent(shares.get(policy)!)),
    ]),
  };
}

function openingTable(compared: readonly Compared[]) {
  return {
    title: 'The same of the Q-network’s classes, by who can read, %',
    columns: ['malicious', ...openings],
    rows: compared.map(({ rate, opened }) => [`${100 * rate} %`, ...opened.map((shares) => percent(shares))]),
  };
}

function federatedTable(federated: readonly Federated[]) {
  return {
    title: 'Areas together, 30 % malicious: the last model',
    columns: ['areas', 'share assembled, %', 'by greedy, %', 'loss', 'accuracy of labels, %'],
    rows: federated.map(({ areas, shares, greedy, traces }) => [
      `${areas}`,
      percent(shares),
      percent(greedy),
      { values: traces.map((trace) => round(trace.at(-1)!.loss, 5)), digits: 4 },
      percent(traces.map((trace) => trace.at(-1)!.accuracy)),
    ]),
  };
}

function collusionPlot(compared: readonly Compared[]) {
  return {
    kind: 'lines' as const,
    id: 'collusion',
    title: 'What the malicious assemble, with and without classes and gate',
    x: { label: 'malicious providers, %' },
    y: { label: 'share of the content, %', from: 0, to: 100 },
    curves: openings.map((name, at) => ({
      name,
      points: compared.map(({ rate, opened }) => ({ x: 100 * rate, values: percent(opened[at]!).values })),
    })),
  };
}

function policyPlot(compared: readonly Compared[]) {
  return {
    kind: 'bars' as const,
    id: 'policies',
    title: 'What the malicious assemble behind the gate, by who made the classes',
    y: { label: 'share of the content, %', from: 0 },
    groups: compared.map(({ rate }) => `${100 * rate} % malicious`),
    series: policies.map((name) => ({
      name,
      bars: compared.map(({ shares }) => percent(shares.get(name)!).values),
    })),
  };
}

function curves(federated: readonly Federated[]) {
  const STEP = 5;
  const of = (traces: Federated['traces'], pick: (at: { loss: number; accuracy: number }) => number) =>
    traces[0]!.flatMap((_, at) =>
      (at + 1) % STEP === 0 ? [{ x: at + 1, values: traces.map((trace) => round(pick(trace[at]!), 5)) }] : [],
    );
  const plot = (id: string, label: string, pick: (at: { loss: number; accuracy: number }) => number) => ({
    kind: 'lines' as const,
    id,
    title: `The federated Q-network, ${id} on areas that took no part`,
    x: { label: `round; a new target network every ${defaultFederated.rounds}` },
    y: { label },
    curves: federated.map(({ areas, traces }) => ({ name: `${areas} areas`, points: of(traces, pick) })),
  });
  return [
    plot('loss', 'cross-entropy, nats', ({ loss }) => loss),
    plot('accuracy', 'labels called rightly, %', ({ accuracy }) => 100 * accuracy),
  ];
}
