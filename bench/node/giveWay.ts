import { readdirSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

const LEAST = 19;

/**
 * Processes that stand for other machines take what this one's leave over: all their threads, and, where the kernel shares
 * cores between sessions first (sched(7), autogroups), their sessions. Throws where there is no /proc.
 */
export function giveWay(pids: readonly number[]): void {
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), LEAST);
    try {
      writeFileSync(`/proc/${pid}/autogroup`, `${LEAST}`);
    } catch {
      // A kernel without them.
    }
  }
}
