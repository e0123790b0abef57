/**
 * Learning, measured: sections that each run alone and keep what they found as JSON under docs/results.
 *
 * Run: npm run bench -- learning [--only NAME,NAME] [--splits N] [--data FOLDER] [--json].
 *   With --splits it is a trial on the first N seeds, and nothing is kept. Sections on data that does not ship need
 *   the folder that holds it, and are passed over without one.
 */
import { parseArgs } from 'node:util';
import { keep, measure } from './learning/kept.js';
import { sections } from './learning/sections.js';
import type { Row } from './row.js';

const SPLITS = 20;

export async function learning(args: readonly string[]): Promise<readonly Row[]> {
  const { values } = parseArgs({
    args: [...args],
    options: { only: { type: 'string' }, splits: { type: 'string' }, data: { type: 'string' } },
  });
  const names = values.only?.split(',') ?? sections.map(({ name }) => name);
  const unknown = names.find((name) => !sections.some((section) => section.name === name));
  if (unknown !== undefined)
    throw new Error(`no section ${unknown}; there are ${sections.map(({ name }) => name).join(', ')}`);
  const splits = Number(values.splits ?? SPLITS);
  if (!Number.isInteger(splits) || splits < 1 || splits > SPLITS)
    throw new Error(`--splits is a whole number from 1 to ${SPLITS}`);
  const rows: Row[] = [];
  for (const section of sections.filter(({ name }) => names.includes(name))) {
    if (section.needs !== undefined && values.data === undefined) {
      process.stderr.write(`${section.name}: passed over, it needs --data FOLDER with ${section.needs}\n`);
      continue;
    }
    const kept = await measure(section, splits, values.data ?? null);
    if (values.splits === undefined) keep(kept);
    rows.push(...kept.rows.map((row) => ({ ...row, name: `${section.name}: ${row.name}` })));
  }
  return rows;
}
