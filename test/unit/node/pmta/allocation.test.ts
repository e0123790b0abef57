import { describe, expect, it } from 'vitest';
import { drbg, sha256, utf8ToBytes } from '../../../../crypto/index.js';
import {
  ALLOCATED_MAX,
  allocationFault,
  areaResult,
  levelsByReports,
  type PipelineOptions,
  parseReports,
  piecesOf,
  relevelled,
  runSteps,
} from '../../../../node/pmta/index.js';
import {
  createRandom,
  defaultDqn,
  expectedShare,
  randomClasses,
  sizesInProportion,
} from '../../../../pmta/index.js';
import { plantedReports } from '../../../support/leaks.js';
import { learnedFrom } from '../../../support/qNetwork.js';

const PROVIDERS = 60;
const LEAKING = 12;
const nameOf = (index: number) => `p${index}`;
const options: PipelineOptions = {
  clusters: 3,
  shares: [2, 3, 1],
  neighbours: 6,
  balance: 1.5,
  seed: 'allocation',
  privacy: null,
};

/** An area with three groups of two attributes each, which say nothing of who leaks. */
function areaOf(name: string) {
  const random = createRandom(utf8ToBytes(`area ${name}`));
  const points = Float64Array.from(
    { length: 2 * PROVIDERS },
    (_, at) => random.normal() + 3 * (Math.floor(at / 2) % 3),
  );
  return { name, providers: Array.from({ length: PROVIDERS }, (_, at) => nameOf(at)), dimensions: 2, points };
}

const area = areaOf('north');
const planted = (seed?: string) =>
  plantedReports('north', nameOf, { providers: PROVIDERS, leaking: LEAKING, ...(seed && { seed }) });
const text = (seed?: string) => JSON.stringify(planted(seed));
const reportsOf = (seed?: string) => ({
  pieces: piecesOf(parseReports('reports.json', text(seed)), area),
  network: null,
});
const reports = reportsOf();
const quiet = () => {};
const noise = () => drbg(utf8ToBytes('noise of the test'));
const coalition = new Set(Array.from({ length: LEAKING }, (_, at) => PROVIDERS - LEAKING + at));
const shareOf = (levels: Uint8Array) => expectedShare(levels, 3, coalition, 3, 'classes behind a gate');

describe('the step that takes levels from leak reports', () => {
  const run = runSteps(area, reports, options, quiet);

  it('puts those who leak together, in the lowest level, in the sizes that the shares say', () => {
    const sizes = [1, 2, 3].map((level) => run.levels!.filter((own) => own === level).length);
    expect(sizes).toEqual([20, 30, 10]);
    const lowest = [...coalition].filter((provider) => run.levels![provider] === 1);
    expect(lowest.length).toBeGreaterThanOrEqual(LEAKING - 2);
  });

  it('makes classes of which those who leak assemble less than of random ones', () => {
    const drawn = createRandom(sha256(utf8ToBytes('random classes')));
    const random = Array.from({ length: 50 }, () =>
      shareOf(randomClasses({ clusters: area.providers, sizes: [20, 30, 10], readers: 3 } as never, drawn)),
    );
    const mean = random.reduce((sum, share) => sum + share, 0) / random.length;
    expect(shareOf(run.levels!)).toBeLessThan(0.85 * mean);
    const { share, ...told } = run.allocation!;
    expect(told).toMatchObject({ pieces: 720, windows: 6, readers: 3, seed: 'allocation' });
    expect(told.reported).toBeGreaterThanOrEqual(LEAKING);
    expect(share.gated).toBeLessThan(0.85 * share.pool);
  });

  it('is the same again from the same seed, and another from another', () => {
    const levels = (seed: string) => [...runSteps(area, reports, { ...options, seed }, quiet).levels!];
    expect(levels('allocation')).toEqual([...run.levels!]);
    expect(levels('another')).not.toEqual([...run.levels!]);
  });

  it('is left out without reports', () => {
    const heard: string[] = [];
    const plain = runSteps(area, null, options, (step) => heard.push(step));
    expect(heard).not.toContain('classes from leak reports');
    expect(plain.allocation).toBeNull();
    expect(plain.levels).toEqual(plain.classified!.levels);
    runSteps(area, reports, options, (step) => heard.push(step));
    expect(heard).toContain('classes from leak reports');
  });

  it('takes a network that is given instead of one of its own, and says that nothing was trained', () => {
    const network = Float64Array.from(learnedFrom(planted('others'), 'north', PROVIDERS, nameOf));
    const given = runSteps(area, { ...reports, network }, options, quiet);
    const own = run.allocation!;
    expect([own.network, own.seed]).toEqual([defaultDqn, 'allocation']);
    expect([given.allocation!.network, given.allocation!.seed]).toEqual([null, null]);
    expect(given.levels).not.toEqual(run.levels);
    const lowest = [...coalition].filter((provider) => given.levels![provider] === 1);
    expect(lowest.length).toBeGreaterThanOrEqual(LEAKING - 2);
    const other = runSteps(area, { ...reports, network: network.map((weight) => -weight) }, options, quiet);
    expect(other.levels).not.toEqual(given.levels);
    // The seed decides clusters alone.
    const clusters = Array.from(run.classified!.clusters);
    const levels = (seed: string) =>
      levelsByReports({ name: 'north', clusters }, { ...reports, network }, { ...options, seed }).levels;
    expect(levels('one')).toEqual(levels('another'));
  });

  it('sees of noised attributes the clusters alone', () => {
    const privacy = { kind: 'noised', epsilonMicro: 8e6, deltaPico: 1e7, clip: 3 } as const;
    const noised = runSteps(area, reports, { ...options, privacy }, quiet, noise());
    const { clusters } = noised.classified!;
    expect(noised.levels).toEqual(levelsByReports({ name: area.name, clusters }, reports, options).levels);
  });
});

describe('an area that is there already', () => {
  const privacy = { kind: 'noised', epsilonMicro: 8e6, deltaPico: 1e7, clip: 3 } as const;
  const noisedOptions = { ...options, privacy };
  const plain = areaResult(runSteps(area, null, noisedOptions, quiet, noise()), noisedOptions);

  it('has by other reports the levels of a run with them, and by none those of its influence', () => {
    const first = areaResult(runSteps(area, reports, noisedOptions, quiet, noise()), noisedOptions);
    const others = reportsOf('others');
    const second = areaResult(runSteps(area, others, noisedOptions, quiet, noise()), noisedOptions);
    expect(first).not.toEqual(second);
    expect(relevelled(plain, reports, noisedOptions)).toEqual(first);
    expect(relevelled(first, others, noisedOptions)).toEqual(second);
    expect(relevelled(second, null, noisedOptions)).toEqual(plain);
    const network = Float64Array.from(learnedFrom(planted('others'), 'north', PROVIDERS, nameOf));
    const third = areaResult(
      runSteps(area, { ...reports, network }, noisedOptions, quiet, noise()),
      noisedOptions,
    );
    expect(relevelled(first, { ...reports, network }, noisedOptions)).toEqual(third);
    expect(third).not.toEqual(first);
  });
});

describe('what no network is trained for', () => {
  it('is an area too large, or a level without a provider', () => {
    expect(allocationFault(ALLOCATED_MAX, [1, 1])).toBeNull();
    expect(allocationFault(ALLOCATED_MAX + 1, [1, 1])).toContain(`at most ${ALLOCATED_MAX}`);
    expect(allocationFault(100, [1, 0, 1])).toContain('level 2');
    expect(allocationFault(3, [1, 1, 1, 1])).toContain('level 1');
    // What the fault foresees is what the network would be given.
    expect(sizesInProportion(3, [1, 1, 1, 1])).toContain(0);
  });
});
