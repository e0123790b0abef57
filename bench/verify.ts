import { availableParallelism } from 'node:os';
import { seedAlpha } from '../consensus/index.js';
import { vrfVerify } from '../crypto/index.js';
import { type VerifiedExport, verifyExport } from '../node/export/index.js';
import { createTestChain, type TestChain } from '../test/support/chain.js';
import { exportFiles } from '../test/support/exportedChain.js';
import type { Row } from './row.js';

const GOAL = 400;

export interface Run {
  readonly report: VerifiedExport;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
}

/**
 * `consilium chain verify` on a chain of small blocks (four validators, one transaction a block), every signature and
 * every seed's proof checked: with one thread, then with a worker a core. Beside it what this machine's cores can
 * verify of the seeds' proofs alone, measured in CPU time just before and after.
 *
 * Argument: heights, 2,000 if not given. CPU time counts all threads: blocks a CPU second do not depend on the load.
 */
export async function verify(args: readonly string[]): Promise<readonly Row[]> {
  const heights = Number(args[0] ?? 2_000);
  const cores = availableParallelism();
  const test = smallBlocks(heights);
  const files = await exportFiles(test);
  try {
    const before = vrfPerSecond(test);
    const alone = await timed(() => verifyExport({ ...files, threads: 0 }));
    const parallel = await timed(() => verifyExport({ ...files, threads: cores }));
    const limit = (before + vrfPerSecond(test)) / 2;
    const runs = [alone, parallel];
    if (runs.some(({ report }) => !report.complete)) throw new Error('the bench’s own chain does not hold');
    return [
      row('verify, blocks/s, one thread', heights / alone.wallSeconds, cpu(alone, heights)),
      {
        ...row(`verify, blocks/s, ${cores} workers`, heights / parallel.wallSeconds, cpu(parallel, heights)),
        goal: `>= ${GOAL}`,
        met: heights / parallel.wallSeconds >= GOAL,
      },
      row(
        'seed proofs alone, blocks/s a core',
        limit,
        `${(cores * limit).toFixed(0)} on ${cores} idle cores: the limit`,
      ),
    ];
  } finally {
    files.remove();
  }
}

function row(name: string, value: number, reference: string): Row {
  return { name, value, unit: '1/s', goal: null, met: null, reference };
}

function cpu({ cpuSeconds }: Run, heights: number): string {
  return `${(heights / cpuSeconds).toFixed(0)} a CPU second`;
}

function smallBlocks(heights: number): TestChain {
  const test = createTestChain();
  for (let height = 1; height <= heights; height += 1) {
    const args = { digest: new Uint8Array(32).fill(height & 255), memo: '' };
    test.block([{ from: test.publisher, contract: 'anchor', method: 'put', args }]);
  }
  return test;
}

export async function timed(work: () => Promise<VerifiedExport>): Promise<Run> {
  const cpuBefore = process.cpuUsage();
  const begun = performance.now();
  const report = await work();
  const { user, system } = process.cpuUsage(cpuBefore);
  return { report, wallSeconds: (performance.now() - begun) / 1_000, cpuSeconds: (user + system) / 1e6 };
}

/** Verifications of this chain's own proofs a CPU second. */
function vrfPerSecond({ blocks }: TestChain): number {
  const some = blocks.slice(1, 201);
  const begun = process.cpuUsage();
  for (const [i, { block, tip }] of some.entries()) {
    const { vrfPublicKey } = tip.committee[0]!;
    const alpha = seedAlpha(tip.height, blocks[i]!.tip.seed);
    if (vrfVerify(vrfPublicKey, alpha, block.header.seedProof!) === null)
      throw new Error('a proof of its own');
  }
  const { user, system } = process.cpuUsage(begun);
  return some.length / ((user + system) / 1e6);
}
