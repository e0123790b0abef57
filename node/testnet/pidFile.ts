import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError, readJson } from '../config.js';

/** Process ids are used again: the moment at which the process started tells two of them apart. */
const pidSchema = z.strictObject({ pid: z.number().int().min(2), started: z.string().min(1) });
type ProcessId = z.infer<typeof pidSchema>;

/** Records a process that is running now. False if it has ended already: then nothing is written. */
export function writePidFile(file: string, pid: number): boolean {
  const started = startOf(pid);
  if (started === null) return false;
  writeFileSync(file, `${JSON.stringify({ pid, started } satisfies ProcessId)}\n`);
  return true;
}

/** The process id in the file if that very process still runs, else null. Throws ConfigError for a broken file. */
export function runningPid(file: string): number | null {
  const recorded = readPidFile(file);
  return recorded !== null && startOf(recorded.pid) === recorded.started ? recorded.pid : null;
}

export function removePidFile(file: string): void {
  rmSync(file, { force: true });
}

function readPidFile(file: string): ProcessId | null {
  try {
    return readJson(file, pidSchema);
  } catch (error) {
    if (error instanceof ConfigError && error.code === 'missing-file') return null;
    throw error;
  }
}

/** When the process started, in whatever form the system tells it; null if it does not run (or is a zombie). */
function startOf(pid: number): string | null {
  try {
    if (process.platform === 'linux') return linuxStartOf(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line === '' || line.startsWith('Z') ? null : line.replace(/^\S+\s+/, '');
  } catch {
    return null; // no such process, by either way of asking
  }
}

/**
 * proc(5): the name in brackets may hold anything; after it come the state (field 3), the number of threads (20)
 * and the start (22). A zombie with further threads still ends: until they are gone, so are neither ports nor locks.
 */
function linuxStartOf(stat: string): string | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ended = fields[0] === 'X' || (fields[0] === 'Z' && Number(fields[17]) <= 1);
  return ended ? null : fields[19]!;
}
