import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { killNodeProcess } from '../../testnet/index.js';
import { CliError } from '../failure.js';
import type { Step } from './parse.js';
import { World } from './world.js';

export interface Played {
  readonly line: number;
  readonly text: string;
  readonly seconds: number;
}

/**
 * Plays a scenario on a network of its own, which is gone afterwards. Throws CliError "check-failed" with the line that
 * did not hold; the nodes' logs then stay, and the error says where.
 */
export async function playScenario(
  file: string,
  steps: readonly Step[],
  signal: AbortSignal,
  told: (played: Played) => void,
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'consilium-scenario-'));
  const world = new World(dir, join(dir, 'network'), signal);
  const here = dirname(resolve(file));
  let logs: string | null = null;
  try {
    for (const { line, text, sentence, words } of steps) {
      const begun = performance.now();
      try {
        // Files that a sentence reads lie beside the scenario; what it writes goes to the temporary folder.
        await sentence.run(world, 'file' in words ? { ...words, file: resolve(here, words.file!) } : words);
      } catch (error) {
        signal.throwIfAborted();
        logs = keepLogs(world);
        const where = `${file}, line ${line}: ${text}`;
        const why = error instanceof Error ? error.message : String(error);
        const code = error instanceof CliError ? error.code : 'check-failed';
        throw new CliError(
          code,
          `${where}: ${why}`,
          logs === null ? null : `the nodes' logs are in ${logs}`,
          {
            cause: error,
          },
        );
      }
      told({ line, text, seconds: (performance.now() - begun) / 1_000 });
    }
  } finally {
    const { started } = world;
    if (started !== null)
      await Promise.all(started.file.nodes.map(({ name }) => killNodeProcess(started, name)));
    rmSync(dir, { recursive: true, force: true });
  }
}

function keepLogs({ started }: World): string | null {
  if (started === null) return null;
  const folder = mkdtempSync(join(tmpdir(), 'consilium-scenario-logs-'));
  mkdirSync(folder, { recursive: true });
  for (const { name, folder: of } of started.file.nodes) {
    const log = join(started.dir, of, 'node.log');
    if (existsSync(log)) cpSync(log, join(folder, `${name}.log`));
  }
  return folder;
}
