import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { payloadId, signVote, verifyVote } from '../chain/index.js';
import { publicKeyOf, sha256 } from '../crypto/index.js';
import { verifyExport } from '../node/export/index.js';
import { createTestChain, publicTask, startTask, updateBytes, updateCall } from '../test/support/chain.js';
import { exportFiles } from '../test/support/exportedChain.js';
import { median, type Row } from './row.js';
import { timed, verify } from './verify.js';

const HASHED_BYTES = 1024 * 1024;
const TIMES = 5;
/** Small enough that an update of 4,001 of them lies under its norm cap. */
const ENTRY = 0.1;

/**
 * `consilium chain verify`: a chain of small blocks (bench/verify.ts), and one of training, with updates of 4,001
 * parameters from four devices in every other block. Beside them what the machine hashes and verifies at most, in CPU
 * time, measured before and after.
 */
export async function replay(heights: number, rounds: number): Promise<readonly Row[]> {
  const before = limits();
  const small = await verify([`${heights}`]);
  const training = await trainingRows(rounds);
  const after = limits();
  const mean = (one: number, other: number) => ((one + other) / 2).toFixed(0);
  const of = {
    '1/s': `${mean(before.signatures, after.signatures)} signatures/s a core`,
    'MB/s': `SHA-256: ${mean(before.hashing, after.hashing)} MB/s a core, payload ids ${mean(before.ids, after.ids)}`,
  } as Readonly<Record<string, string>>;
  return [
    ...small.map((row) => ({ ...row, name: `replay: ${row.name}` })),
    ...training.map((row) => ({ ...row, reference: `${row.reference}; the machine: ${of[row.unit]}` })),
  ];
}

async function trainingRows(rounds: number): Promise<readonly Row[]> {
  const test = createTestChain();
  const layers = [
    { kind: 'dense', units: 1_000, activation: 'relu' },
    { kind: 'dense', units: 1, activation: 'linear' },
  ] as const;
  startTask(test, publicTask({ rounds: rounds + 1, model: { inputs: 2, layers: [...layers] } }));
  for (let round = 1; round <= rounds; round += 1) {
    test.block(
      test.devices.map((device) => updateCall(test, device, round, updateBytes(test, device, round, ENTRY))),
    );
    test.block([]);
  }
  const files = await exportFiles(test);
  try {
    const threads = availableParallelism();
    const updates = rounds * test.devices.length;
    const { report, wallSeconds, cpuSeconds } = await timed(() => verifyExport({ ...files, threads }));
    if (!report.complete || report.checked.updates !== updates)
      throw new Error('the bench’s own chain does not hold');
    const { size } = statSync(files.file);
    const row = (what: string, unit: string, amount: number): Row => ({
      name: `replay: training, ${what}`,
      value: amount / wallSeconds,
      unit,
      goal: null,
      met: null,
      reference: `${(amount / cpuSeconds).toFixed(0)} a CPU second`,
    });
    return [
      row('blocks/s', '1/s', test.tip.height),
      row('updates/s', '1/s', updates),
      row('MB/s of the file', 'MB/s', size / 1e6),
    ];
  } finally {
    files.remove();
  }
}

/** A CPU second of one thread: MB hashed, MB of payloads named, votes verified. */
function limits() {
  const block = new Uint8Array(HASHED_BYTES);
  const secret = sha256(block);
  const vote = { height: 1, period: 0, step: 'cert', value: secret } as const;
  const key = publicKeyOf(secret);
  const { signature } = signVote(secret, vote, key, secret);
  const times = (count: number, work: () => void): number =>
    median(
      Array.from({ length: TIMES }, () => {
        const begun = process.cpuUsage();
        for (let i = 0; i < count; i += 1) work();
        const { user, system } = process.cpuUsage(begun);
        return count / ((user + system) / 1e6);
      }),
    );
  return {
    hashing: (times(40, () => sha256(block)) * HASHED_BYTES) / 1e6,
    ids: (times(40, () => payloadId(block)) * HASHED_BYTES) / 1e6,
    signatures: times(500, () => verifyVote(secret, key, vote, signature)),
  };
}
