import { parentPort } from 'node:worker_threads';
import { checkProofs, type ProofClaim } from '../../audit/index.js';

parentPort?.on('message', ({ id, claims }: { id: number; claims: readonly ProofClaim[] }) => {
  parentPort?.postMessage({ id, answers: checkProofs(claims) });
});
