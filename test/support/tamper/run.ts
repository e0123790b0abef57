import { readFileSync } from 'node:fs';
import { type AuditReport, createReplay, type ReplayState } from '../../../audit/index.js';
import { auditItems } from '../../../node/export/auditItems.js';
import { readItems } from '../../../node/export/car.js';
import { createTestChain, type TestChain } from '../chain.js';
import { dice } from '../crashChain.js';
import { exportFiles } from '../exportedChain.js';
import { type Alteration, type Kind, kinds, type Stage } from './alterations.js';
import { piecesOf } from './car.js';

/** The chain that is altered, and the state of a replay after each height: where an audit of an alteration goes on. */
export interface TamperBench {
  readonly test: TestChain;
  readonly stage: Omit<Stage, 'below'>;
  audit(alteration: Pick<Alteration, 'from' | 'pieces'>): Promise<AuditReport>;
  /** The same from the first block on, without a snapshot. */
  auditWhole(alteration: Pick<Alteration, 'from' | 'pieces'>): Promise<AuditReport>;
}

export async function createTamperBench(test: TestChain): Promise<TamperBench> {
  const files = await exportFiles(test);
  const pieces = piecesOf(readFileSync(files.file), test.entries);
  files.remove();
  const replay = createReplay(test.chain);
  const states: ReplayState[] = [replay.state];
  for (const entry of test.entries) {
    const wrong = replay.take(entry);
    if (wrong !== null) throw new Error(`the true chain does not hold: ${wrong.detail}`);
    states.push(replay.state);
  }
  const foreign = createTestChain({ hospitals: 4, devicesEach: 2, params: { eraHeights: 31 } });
  for (let height = 1; height <= 10; height += 1) foreign.block([]);
  const run = (bytes: readonly Uint8Array[], resume: ReplayState) =>
    auditItems({
      chain: test.chain,
      anchors: [],
      from: 1,
      resume,
      items: readItems(streamOf(bytes)),
      pool: null,
      onHeight: () => {},
    });
  return {
    test,
    stage: { test, pieces, foreign },
    audit: ({ from, pieces: bytes }) => run(bytes, states[from - 1]!),
    auditWhole: ({ from, pieces: [header, ...rest] }) =>
      run([header!, ...pieces.heights.slice(0, from - 1), ...rest], states[0]!),
  };
}

async function* streamOf(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield piece;
}

/** What an audit made of one alteration. */
export interface Outcome {
  readonly kind: string;
  /** Repeats it: the seed of this one alteration. */
  readonly seed: string;
  readonly alteration: Alteration;
  readonly report: AuditReport;
  /** What is wrong with the report; null: the alteration was found where it is. */
  readonly missed: string | null;
}

/** `count` alterations, the kinds in turn, everything else by the seed. */
export async function* tamper(
  bench: TamperBench,
  seed: string,
  count: number,
  among: Readonly<Record<string, Kind>> = kinds,
): AsyncGenerator<Outcome> {
  const names = Object.keys(among);
  for (let i = 0; i < count; i += 1) {
    const kind = names[i % names.length]!;
    const own = `${seed}/${i}/${kind}`;
    const alteration = alterationOf(bench, among[kind]!, own);
    const report = await bench.audit(alteration);
    yield { kind, seed: own, alteration, report, missed: missedBy(report, alteration) };
  }
}

const TRIES_MAX = 1_000;

function alterationOf({ stage }: TamperBench, kind: Kind, seed: string): Alteration {
  const below = dice(seed);
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const alteration = kind({ ...stage, below });
    if (alteration !== null) return alteration;
  }
  throw new Error(`no place for ${seed} was found in ${TRIES_MAX} tries`);
}

function missedBy({ ok, divergence }: AuditReport, { height, transaction, key }: Alteration): string | null {
  if (ok || divergence === null) return 'not found';
  if (divergence.height !== height) return `found at height ${divergence.height}, not ${height}`;
  if (transaction !== undefined && divergence.transaction !== transaction)
    return `names transaction ${divergence.transaction}, not ${transaction}`;
  if (key !== undefined && divergence.key !== key) return `names ${divergence.key}, not ${key}`;
  return null;
}
