import type { StateReader } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { standingOf } from '../reputation/index.js';
import { enrolledCell, type Task } from '../tasks/index.js';
import { closedRoundCell } from './state.js';

/** So many of a task's last rounds decide who has completed it: a bound on what its end costs. */
export const COMPLETION_ROUNDS = 16;

/**
 * Who has completed a task that is over: enrolled, not blacklisted, and qualified in at least half of its last rounds
 * that had a verdict. Of a task whose last rounds all failed: nobody.
 *
 * Sorted by device. Cost: that many look-ups, and one a device.
 */
export function completedBy(state: StateReader, task: Task): readonly Uint8Array[] {
  const { rounds } = task.spec;
  const qualified = new Map<string, number>();
  let closed = 0;
  for (let round = Math.max(1, rounds - COMPLETION_ROUNDS + 1); round <= rounds; round += 1) {
    const end = closedRoundCell.get(state, task.id, round);
    if (end === null || end.status === 'failed') continue;
    closed += 1;
    for (const verdict of end.verdicts) {
      if (!verdict.qualified) continue;
      const device = bytesToHex(verdict.device);
      qualified.set(device, (qualified.get(device) ?? 0) + 1);
    }
  }
  return (enrolledCell.get(state, task.id) ?? [])
    .map(({ device }) => device)
    .filter((device) => {
      const id = bytesToHex(device);
      return closed > 0 && 2 * (qualified.get(id) ?? 0) >= closed && !standingOf(state, id).blacklisted;
    });
}
