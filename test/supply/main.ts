import { softwareBill } from './sbom.js';

/** Writes the software bill of materials to standard output: npm run -s sbom. */
process.stdout.write(`${JSON.stringify(softwareBill(), null, 1)}\n`);
