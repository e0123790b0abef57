import { mkdirSync, writeFileSync } from 'node:fs';
import { generated } from './generated.js';

/** Writes the documents that are made from code: npm run docs. */
mkdirSync('docs/reference', { recursive: true });
for (const [file, make] of Object.entries(generated)) {
  writeFileSync(file, `${(await make()).trimEnd()}\n`);
  console.log(file);
}
