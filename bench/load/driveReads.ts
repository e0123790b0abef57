import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromReads, ReadJob, ReadReport } from './readMessage.js';

/** Beyond the job's own time: connecting, the last answers, a busy machine. */
const SLACK_MS = 60_000;

/** Runs reads in a process of its own. Throws if they fail or do not end in time; the process is gone either way. */
export async function driveReads(job: ReadJob): Promise<ReadReport> {
  const child = fork(fileURLToPath(new URL('./readWorker.js', import.meta.url)), [JSON.stringify(job)]);
  const boundMs = 1_000 * (job.warmUpSeconds + job.seconds) + SLACK_MS;
  let late: NodeJS.Timeout | undefined;
  try {
    const message = await new Promise<FromReads>((resolve, reject) => {
      late = setTimeout(() => reject(new Error(`the reads did not end within ${boundMs} ms`)), boundMs);
      child.once('message', (said) => resolve(said as FromReads));
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the process of reads ended (${code}) without a word`)));
    });
    if (message.kind === 'failed') throw new Error(`reads: ${message.reason}`);
    return message.report;
  } finally {
    clearTimeout(late);
    child.kill('SIGKILL');
  }
}
