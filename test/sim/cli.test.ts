import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { heightTime } from './heightTime.js';
import { addTallies, EMPTY_TALLY, shareSeeds, splitBatch } from './task.js';

/** The compiled program, threads and all: `npm test` builds it first. */
function sim(...args: readonly string[]) {
  const main = new URL('../../dist/test/sim/main.js', import.meta.url).pathname;
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr, json: () => JSON.parse(stdout.trim().split('\n').pop()!) };
}

describe('npm run sim', () => {
  it('sums up all sizes in one object and exits 0 when nothing was found', () => {
    const { status, json } = sim('--seeds', '20', '--first', '7', '--workers', '2', '--json');
    expect(status).toBe(0);
    const { byMembers, findings, seedsPerSecond, ...total } = json();
    expect(total).toMatchObject({
      first: 7,
      seeds: 20,
      heights: 100,
      forks: 0,
      stalls: 0,
      otherFindings: {},
    });
    expect(total.mostPeriodsAfterHealing).toBeGreaterThanOrEqual(0);
    expect(findings).toEqual([]);
    expect(seedsPerSecond).toEqual({ wall: expect.any(Number), cpu: expect.any(Number) });
    const sizes = byMembers.map(({ members, seeds }: { members: number; seeds: number }) => [members, seeds]);
    expect(sizes).toEqual([[4, 14], [5, 3], [7, 2], [10, 1]]); // biome-ignore format: a table
  });

  it('finds the same with any number of threads', () => {
    const runs = ['1', '2'].map((workers) => {
      const { json } = sim('--seeds', '450', '--members', '4', '--workers', workers, '--json');
      const {
        seconds: _,
        cpuSeconds: __,
        seedsPerSecond: ___,
        workers: ____,
        byMembers: _____,
        ...rest
      } = json();
      return rest;
    });
    expect(runs[0]).toEqual(runs[1]);
  });

  it('exits 1 on a finding and prints the command that repeats it, with a trace', () => {
    const { status, json } = sim('--seeds', '5', '--members', '4', '--mutant', 'quorum-off-by-one', '--json');
    expect(status).toBe(1);
    const [{ kind, detail, repeat }] = json().findings;
    const [npm, run, script, dashes, ...flags] = repeat.split(' ');
    expect([npm, run, script, dashes]).toEqual(['npm', 'run', 'sim', '--']);
    const again = sim(...flags);
    expect(again.status).toBe(1);
    expect(again.stdout).toContain(`FOUND ${kind}: ${detail}`);
    expect(again.stdout).toMatch(/node \d h1 soft\(block-\d+\) in period 0/);
  });

  it.each([
    [['--members', 'four'], '--members'],
    [['--byzantine', 'kind'], '--byzantine'],
    [['--mutant', 'none'], '--mutant'],
    [['--membership', 'some'], '--membership'],
    [['--seeds', '2', '--trace'], '--trace'],
    [['--seed', '1', '--real-crypto', '--mutant', 'seed-proof-unchecked'], '--mutant'],
  ])('%j: exits 2 and names the flag', (args, flag) => {
    const { status, stderr } = sim(...args);
    expect(status).toBe(2);
    expect(stderr).toContain(flag);
  });
});

it('seeds are shared among sizes, most of them at the smallest, none lost', () => {
  const shares = shareSeeds(1_003, [4, 5, 7, 10]);
  expect(shares.map(({ seeds }) => seeds)).toEqual([702, 151, 100, 50]);
  const batch = {
    members: 4,
    heights: 5,
    byzantine: null,
    membership: null,
    mutant: null,
    realCrypto: false,
    untilFound: false,
  };
  const parts = splitBatch({ ...batch, first: 10, seeds: 450 }, 200);
  expect(parts.map(({ first, seeds }) => [first, seeds])).toEqual([[10, 200], [210, 200], [410, 50]]); // biome-ignore format: a table
});

it('tallies add up: counts by sum, periods by maximum', () => {
  const finding = { kind: 'fork', detail: '', seed: 1, members: 4 } as const;
  const one = { ...EMPTY_TALLY, seeds: 1, periodMax: 3, found: { fork: 1 }, findings: [finding] };
  const two = addTallies(one, { ...one, periodMax: 2 });
  expect(two).toMatchObject({ seeds: 2, periodMax: 3, found: { fork: 2 }, findings: [finding, finding] });
});

it('a height takes at most four link delays with 20 members and 50 ms links', () => {
  const { p50Delays, p95Delays } = heightTime({ members: 20, linkMs: 50, heights: 30 });
  expect(p50Delays).toBeGreaterThan(3);
  expect(p50Delays).toBeLessThanOrEqual(4);
  expect(p95Delays).toBeLessThanOrEqual(4);
});
