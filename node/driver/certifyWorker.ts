import { parentPort } from 'node:worker_threads';
import { certifyRange } from './certify.js';
import { type CertifyOrder, isFirst } from './claim.js';

parentPort?.on('message', ({ id, job, claim }: CertifyOrder) => {
  if (isFirst(claim)) parentPort?.postMessage({ id, findings: certifyRange(job) });
});
