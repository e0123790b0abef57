import { readFileSync } from 'node:fs';

/** proc(5) counts in ticks of 10 ms on every Linux that Node supports. */
const TICKS_PER_SECOND = 100;

/** CPU seconds that a process has used so far, user and system. NaN where there is no /proc. */
export function cpuSeconds(pid: number): number {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return Number.NaN;
  }
  // The name in brackets may hold anything; field 3 follows it. utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
