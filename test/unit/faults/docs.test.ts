import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { rules } from '../../faults/checker.js';
import { faultKinds } from '../../faults/plan.js';

const document = readFileSync(fileURLToPath(new URL('../../../docs/faults.md', import.meta.url)), 'utf8');

/** First cells of the rows of the table whose head begins with a word. */
function firstCells(head: string): readonly string[] {
  const table = document.split('\n\n').find((part) => part.startsWith(`| ${head} |`))!;
  return table
    .split('\n')
    .slice(2)
    .map((row) => row.split('|')[1]!.trim());
}

describe('docs/faults.md', () => {
  it('has every kind of fault, and no other', () => {
    expect(firstCells('fault')).toEqual(faultKinds);
  });

  it('has every rule of the checker, and no other', () => {
    const named = firstCells('rule').flatMap((cell) =>
      cell.split(', ').map((rule) => rule.replaceAll('`', '')),
    );
    expect([...named].sort()).toEqual([...rules].sort());
  });
});
