import { cpSync, existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditReport } from '../../../audit/index.js';
import type { Network } from '../../provision/index.js';
import { killNodeProcess } from '../../testnet/index.js';
import type { TaskFile } from '../taskFile.js';
import type { DemoResult } from './result.js';

/** Leaves beside the exported chain what a reader of the folder would ask for. */
export function writeResult(dir: string, result: DemoResult, task: TaskFile, report: AuditReport): void {
  const write = (name: string, value: unknown): void =>
    writeFileSync(join(dir, name), `${JSON.stringify(value, null, 2)}\n`);
  write('result.json', result);
  write('audit.json', report);
  write('task.json', task);
}

export interface TidyOptions {
  readonly dir: string;
  /** The folder was made for this run. */
  readonly temporary: boolean;
  /** null: it failed before there was one, so nothing was written. */
  readonly network: Network | null;
  readonly keep: boolean;
  /** The run came to its end, passed or not. */
  readonly finished: boolean;
  readonly passed: boolean;
  readonly interrupted: boolean;
}

const NODE_FILES = ['nodes', 'publisher', 'network.json'];
const RESULT_FILES = ['genesis.json', 'chain.car', 'result.json', 'audit.json', 'task.json'];

/**
 * Stops the network and removes what it wrote: keys, data, the chain's store. What stays: after a finished run
 * genesis, exported chain and reports; after a failure the nodes' logs; after Ctrl-C nothing. With `keep`
 * everything stays, and the validators go on running. Only ever files that the demo writes are removed.
 */
export async function tidyUp(options: TidyOptions): Promise<void> {
  const { dir, temporary, network, keep, finished, passed, interrupted } = options;
  if (network !== null && !keep) {
    // At once: what an orderly end would take care of is removed in the next line but one.
    await Promise.all(network.file.nodes.map(({ name }) => killNodeProcess(network, name)));
    if (!passed && !interrupted) keepLogs(dir, network);
    const superfluous = finished ? NODE_FILES : [...NODE_FILES, ...RESULT_FILES];
    for (const name of superfluous) rmSync(join(dir, name), { recursive: true, force: true });
  }
  if (temporary && existsSync(dir) && readdirSync(dir).length === 0) rmdirSync(dir);
}

function keepLogs(dir: string, { file }: Network): void {
  mkdirSync(join(dir, 'logs'), { recursive: true });
  for (const { name, folder } of file.nodes) {
    const log = join(dir, folder, 'node.log');
    if (existsSync(log)) cpSync(log, join(dir, 'logs', `${name}.log`));
  }
}
