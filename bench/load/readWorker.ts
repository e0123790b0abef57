/** A process of reads: does one job and tells what came of it. */
import type { FromReads, ReadJob } from './readMessage.js';
import { runReads } from './reads.js';

// The parent is gone: so is the reason to go on.
process.on('disconnect', () => process.exit(0));
const tell = (message: FromReads): void => void process.send!(message, () => process.disconnect());
runReads(JSON.parse(process.argv[2]!) as ReadJob).then(
  (report) => tell({ kind: 'done', report }),
  (error: unknown) => tell({ kind: 'failed', reason: String(error) }),
);
