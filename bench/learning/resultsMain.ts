/** Writes docs/results.md and its pictures from docs/results. Run: npm run results. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentOf } from './document.js';
import { RESULTS, readKept, readNotes } from './kept.js';
import { sections } from './sections.js';

const files = documentOf(
  readKept(RESULTS),
  sections.map(({ name }) => name),
  readNotes(RESULTS),
);
for (const name of readdirSync(RESULTS))
  if (name.endsWith('.svg') && !files.has(`results/${name}`)) rmSync(join(RESULTS, name));
for (const [path, text] of files) writeFileSync(join(RESULTS, '..', path), text);
