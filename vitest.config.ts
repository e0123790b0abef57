import { defineConfig } from 'vitest/config';

/** Looks at what a library does to its process when it is first loaded. */
const ownProcess = ['test/unit/fl/trainer/backend.test.ts'];

/** Many stores opened, many nodes restarted, long games of chance: too long for the check before each commit. */
const slow = [
  'test/unit/audit/light/tamper.test.ts',
  'test/unit/audit/tamperAll.test.ts',
  'test/unit/contracts/membershipWalk.test.ts',
  'test/unit/contracts/presenceGames.test.ts',
  'test/unit/crypto/browser.test.ts',
  'test/unit/fl/data/partition.test.ts',
  'test/unit/fl/evaluate/report.test.ts',
  'test/unit/fl/privacy/accountants.test.ts',
  'test/unit/fl/privacy/clipping.test.ts',
  'test/unit/fl/privacy/discreteGaussian.test.ts',
  'test/unit/fl/round/threshold.test.ts',
  'test/unit/fl/trainer/generative/lots.test.ts',
  'test/unit/fl/trainer/generative/synthesise.test.ts',
  'test/unit/net/links.test.ts',
  'test/unit/node/cli/taskGate.test.ts',
  'test/unit/node/driver/badInput.test.ts',
  'test/unit/node/driver/catchUp.test.ts',
  'test/unit/node/driver/deadLeader.test.ts',
  'test/unit/node/driver/evidence.test.ts',
  'test/unit/node/driver/payloadBoundaries.test.ts',
  'test/unit/node/driver/sync.test.ts',
  'test/unit/node/driver/writeBoundaries.test.ts',
  'test/unit/node/founding/founding.test.ts',
  'test/unit/node/provision/provision.test.ts',
  'test/unit/node/pruning/catchUp.test.ts',
  'test/unit/node/pruning/pruning.test.ts',
  'test/unit/node/repair.test.ts',
  'test/unit/node/snapshot/join.test.ts',
  'test/unit/node/store/backup.test.ts',
  'test/unit/node/store/crash.test.ts',
  'test/unit/node/store/damage.test.ts',
  'test/unit/pmta/eigenpairs.test.ts',
];

/**
 * For CI, beyond `npm test`, which has six minutes on two cores: what takes long and stands beside the main job, or is
 * tried at greater length there.
 */
const beyond = [
  'test/process/badRequests.test.ts',
  'test/process/browserLight.test.ts',
  'test/process/trainerPool.test.ts',
  'test/property/fuzz.test.ts',
  'test/property/stateRange.test.ts',
  'test/sim/cli.test.ts',
  'test/unit/node/cli/accounts.test.ts',
  'test/unit/node/doctor/doctor.test.ts',
  'test/unit/node/rpc/limits.test.ts',
  'test/unit/node/snapshot/hostile.test.ts',
];

/**
 * Unit tests take about a minute. "process" runs single processes from `dist`, "e2e" whole networks of them, one
 * after another. For CI, beyond `npm test`: "long", more of the same, and "fresh", simulations of seeds never run before.
 */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/tidy.test.ts'],
          exclude: [...ownProcess, ...slow, ...beyond],
          // Modules are loaded once for all files: half the time of the whole run is theirs.
          isolate: false,
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'slow',
          include: [...slow],
          isolate: false,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'compliance',
          include: ['test/property/**/*.test.ts', 'test/compliance/**/*.test.ts', ...ownProcess],
          exclude: [...beyond],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'sim',
          include: ['test/sim/**/*.test.ts'],
          exclude: ['test/sim/fresh*.test.ts', ...beyond],
          testTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'fresh',
          include: ['test/sim/fresh*.test.ts'],
          testTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'process',
          include: ['test/process/**/*.test.ts'],
          exclude: [...beyond],
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      ...['e2e', 'long'].map((name) => ({
        test: {
          name,
          include: [`test/${name}/**/*.test.ts`, ...(name === 'long' ? beyond : [])],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      })),
    ],
  },
});
