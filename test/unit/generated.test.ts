import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { generated } from '../docs/generated.js';

it.each(Object.entries(generated))('%s is what npm run docs makes of the code', async (file, make) => {
  const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  expect(text).toBe(`${(await make()).trimEnd()}\n`);
});
