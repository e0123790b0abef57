import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../../../node/cli/exitCodes.js';

const text = readFileSync(new URL('../../../../docs/cli.md', import.meta.url), 'utf8');

describe('docs/cli.md', () => {
  it('lists exactly the exit codes that there are', () => {
    const listed = [...text.matchAll(/^\| (\d+) \| ([a-z-]+) \|/gm)].map(([, code, name]) => [
      name,
      Number(code),
    ]);
    expect(Object.fromEntries(listed)).toEqual(exitCodes);
  });
});
