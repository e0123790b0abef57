import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReplayBase, ReplayEntry } from '../../audit/index.js';
import type { TaskSpec } from '../../contracts/index.js';
import { type ExportItem, writeCar } from '../../node/export/car.js';
import {
  type ChainOptions,
  createTestChain,
  startTask,
  type TestChain,
  taskSpec,
  updateBytes,
  updateCall,
} from './chain.js';
import type { Person } from './genesis.js';

/** A chain's export and its genesis as files in a folder of their own. */
export interface ExportedFiles {
  readonly dir: string;
  readonly file: string;
  readonly genesisFile: string;
  /** Another file beside them. */
  write(name: string, bytes: Uint8Array): string;
  remove(): void;
}

/** Writes entries (the whole chain, unless told otherwise) as an export. */
export async function exportFiles(
  test: TestChain,
  entries: readonly ReplayEntry[] = test.entries,
  base?: ReplayBase,
): Promise<ExportedFiles> {
  const dir = mkdtempSync(join(tmpdir(), 'consilium-export-'));
  const file = join(dir, 'chain.car');
  const genesisFile = join(dir, 'genesis.json');
  writeFileSync(genesisFile, JSON.stringify(test.genesis));
  async function* items(): AsyncGenerator<ExportItem> {
    if (base !== undefined) yield { kind: 'base', base };
    for (const entry of entries) yield { kind: 'entry', entry };
  }
  await writeCar(file, test.chain.chainId, entries.at(-1)!.block, items());
  return {
    dir,
    file,
    genesisFile,
    write: (name, bytes) => {
      writeFileSync(join(dir, name), bytes);
      return join(dir, name);
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** What `trainedChain` has without arguments: fifty-two heights, an era and a half. */
export const ROUNDS = 16;

/**
 * A chain with training in it, always the same to the bit: four hospitals with two devices each. One device sends
 * updates that oppose the others' and is refused, one comes late, and twice; some heights are empty. Two to four
 * heights a round.
 */
export function trainedChain(
  rounds = ROUNDS,
  change: Partial<TaskSpec> = {},
  options: ChainOptions = {},
): TestChain {
  const test = createTestChain({ hospitals: 4, devicesEach: 2, ...options });
  const [late, ...others] = test.devices as [Person, ...Person[]];
  startTask(test, taskSpec({ rounds, devicesMax: 8, quorum: 5, ...change }));
  for (let round = 1; round <= rounds; round += 1) {
    if (round % 4 === 0) test.empty();
    if (round % 5 === 0) {
      test.block(others.map((device) => updateOf(test, device, round)));
      test.block([updateOf(test, late, round), updateOf(test, late, round)]);
    } else {
      test.block(test.devices.map((device) => updateOf(test, device, round)));
    }
    test.block([]);
  }
  while (rounds === ROUNDS && test.tip.height < 52) test.block([]);
  return test;
}

/** As it is kept in test/vectors/chain.car: of protocol 1. */
export const keptChain = (): TestChain =>
  trainedChain(ROUNDS, {}, { adjust: (genesis) => ({ ...genesis, upgrades: [] }) });

function updateOf(test: TestChain, device: Person, round: number) {
  const isPoisoned = device === test.devices.at(-1);
  return updateCall(test, device, round, updateBytes(test, device, round, isPoisoned ? -6 : 3));
}
