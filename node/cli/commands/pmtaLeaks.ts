import { statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Area,
  type AreaReports,
  allocationFault,
  parseQNetwork,
  piecesOf,
  Q_NETWORK_BYTES_MAX,
  type QNetwork,
  type Reports,
  readReports,
} from '../../pmta/index.js';
import { CliError } from '../failure.js';
import type { Io } from '../io.js';
import { readBytes } from './readBytes.js';

/** What levels are made from instead of influence: files that were named on the command line. */
export interface Leaks {
  readonly reports: Reports;
  /** null: each area trains its own. */
  readonly network: QNetwork | null;
}

/** Null without reports. Throws ConfigError, DataError; CliError "bad-data" for a network that cannot be read. */
export function readLeaks(options: { readonly reports?: string; readonly qNetwork?: string }): Leaks | null {
  const { reports, qNetwork } = options;
  if (reports === undefined) return null;
  return { reports: readReports(reports), network: qNetwork === undefined ? null : readQNetwork(qNetwork) };
}

/** Throws CliError "bad-data" for a file that cannot be read, DataError "unfit" for one without a Q-network. */
export function readQNetwork(file: string): QNetwork {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
    throw new CliError(
      'bad-data',
      `${file} is a folder`,
      `name the file: ${join(file, 'model.safetensors')}`,
    );
  return parseQNetwork(file, readBytes(file, Q_NETWORK_BYTES_MAX));
}

/** Of reports on areas that the run has not. */
export function noteOthers(leaks: Leaks | null, own: ReadonlySet<string>, io: Io): void {
  const pieces = leaks?.reports.pieces ?? [];
  const others = new Set(pieces.map(({ area }) => area).filter((area) => !own.has(area)));
  if (others.size === 0) return;
  const named = [...others].slice(0, 5).join(', ');
  io.note(`reports of areas that this run has not are passed over: ${named}`);
}

/**
 * What levels of an area are made from, in these shares, level 1 first; null without reports.
 * Throws CliError "bad-data" and DataError where they give an area no levels.
 */
export function reportsFor(
  area: Pick<Area, 'name' | 'providers'>,
  leaks: Leaks | null,
  shares: readonly number[],
): AreaReports | null {
  if (leaks === null) return null;
  const fault = allocationFault(area.providers.length, shares);
  if (fault === null)
    return { pieces: piecesOf(leaks.reports, area), network: leaks.network?.weights ?? null };
  throw new CliError(
    'bad-data',
    `area ${area.name} ${fault}`,
    'change --shares, or name the areas with --area',
  );
}
