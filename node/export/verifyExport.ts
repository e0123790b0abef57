import { readFile } from 'node:fs/promises';
import { type AuditReport, createReplay } from '../../audit/index.js';
import { parseGenesis, startChain } from '../../genesis/index.js';
import { readCar } from './car.js';
import { ExportError } from './error.js';

export interface VerifyOptions {
  readonly file: string;
  readonly genesisFile: string;
  /** `height:hash` of a block that the auditor knows from elsewhere. */
  readonly anchor?: string;
  /** Called after each height. */
  readonly onProgress?: (height: number) => void;
}

/**
 * Audits an exported chain against a genesis file: no network, nothing believed.
 *
 * A chain that is wrong is a report with a divergence; so is a file that is cut short or altered. Throws
 * ExportError only when there is nothing to audit: "not-found", "bad-genesis", "bad-anchor".
 */
export async function verifyExport(options: VerifyOptions): Promise<AuditReport> {
  const genesis = parseGenesis(await readText(options.genesisFile));
  if (!genesis.ok) throw new ExportError('bad-genesis', `${options.genesisFile}: ${genesis.detail}`);
  const anchor = options.anchor === undefined ? undefined : parseAnchor(options.anchor);
  const replay = createReplay(startChain(genesis.genesis));
  try {
    for await (const entry of readCar(options.file)) {
      if (replay.take(entry) !== null) break;
      options.onProgress?.(replay.tip.height);
    }
  } catch (error) {
    if (!(error instanceof ExportError) || error.code === 'not-found') throw error;
    replay.break(error.code, error.message);
  }
  return replay.report(anchor);
}

function parseAnchor(anchor: string): { readonly height: number; readonly hash: string } {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(anchor);
  if (match === null) throw new ExportError('bad-anchor', `an anchor is HEIGHT:HASH, not ${anchor}`);
  return { height: Number(match[1]), hash: match[2]! };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new ExportError('not-found', `the genesis file ${file} cannot be read`, { cause: error });
  }
}
