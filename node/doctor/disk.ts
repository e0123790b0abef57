import { closeSync, existsSync, fdatasyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type DoctorBounds, type Finding, fault, ok, warning } from './finding.js';

const WRITES = 15;
const WRITE_BYTES = 4_096;
const FREE_SOME =
  'free some, or move the chain folder to a larger disk (dataDir); "retention": "window" keeps it smaller';

/** Space, and how long a small write takes until it is safe, where the chain folder lies (or will). */
export function diskFindings(dataDir: string, bounds: DoctorBounds): readonly Finding[] {
  const folder = existsSync(dirname(dataDir)) ? dirname(dataDir) : dirname(dirname(dataDir));
  return [spaceFinding(folder, bounds), syncFinding(folder, bounds)];
}

function spaceFinding(folder: string, { freeBytesFault, freeBytesWarning }: DoctorBounds): Finding {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const text = `${megabytes(free)} are free where ${folder} lies`;
  if (free < freeBytesFault) return fault('disk', `${text}: a node that cannot write stops`, FREE_SOME);
  return free < freeBytesWarning ? warning('disk', text, FREE_SOME) : ok('disk', text);
}

function syncFinding(folder: string, { syncMsFault, syncMsWarning }: DoctorBounds): Finding {
  const file = join(folder, `.doctor-${process.pid}`);
  let median: number;
  try {
    median = medianSyncMs(file);
  } catch (error) {
    const isFull = ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
    const mend = isFull ? FREE_SOME : 'let the node’s user write there (chown), and mount it for writing';
    return fault('disk', `${folder} cannot be written: ${(error as Error).message}`, mend);
  } finally {
    rmSync(file, { force: true });
  }
  const text = `a write of 4 KiB is safe after ${median.toFixed(1)} ms (median of ${WRITES})`;
  const mend =
    'a vote waits for such a write: use a local SSD, not a network disk; look for a disk that fails (smartctl)';
  if (median > syncMsFault) return fault('disk', text, mend);
  return median > syncMsWarning ? warning('disk', text, mend) : ok('disk', text);
}

function medianSyncMs(file: string): number {
  const bytes = new Uint8Array(WRITE_BYTES);
  const fd = openSync(file, 'w', 0o600);
  try {
    const times = Array.from({ length: WRITES }, () => {
      const before = performance.now();
      writeSync(fd, bytes);
      fdatasyncSync(fd);
      return performance.now() - before;
    });
    return times.sort((a, b) => a - b)[Math.floor(WRITES / 2)]!;
  } finally {
    closeSync(fd);
  }
}

function megabytes(bytes: number): string {
  return bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
