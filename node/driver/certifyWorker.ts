import { parentPort } from 'node:worker_threads';
import { type CertifyJob, certifyRange } from './certify.js';

parentPort?.on('message', ({ id, job }: { id: number; job: CertifyJob }) => {
  parentPort?.postMessage({ id, findings: certifyRange(job) });
});
