import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import packageJson from '../../../../package.json' with { type: 'json' };

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const stands: Readonly<Record<string, string | undefined>> = packageJson.browser;

/** The source of a module, or of what stands for it in a browser. */
function sourceOf(path: string): string {
  const built = stands[`./dist/${relative(root, path).replace(/\.ts$/, '.js')}`];
  return built === undefined ? path : join(root, built.replace('./dist/', '').replace(/\.js$/, '.ts'));
}

/** Imports and re-exports of values. */
const IMPORTS =
  /^(?:import|export) (?!type )(?:\{[^}]*\}|\*(?: as \w+)?|\w+(?:, \{[^}]*\})?) from '([^']+)'/gm;

/** All that a module takes at run time from outside of this project, with one of the files that ask for it. */
function takenBy(entry: string): ReadonlyMap<string, string> {
  const seen = new Set<string>();
  const outside = new Map<string, string>();
  const waiting = [entry];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const path = sourceOf(file);
    if (seen.has(path)) continue;
    seen.add(path);
    if (!existsSync(path)) continue;
    const statements = readFileSync(path, 'utf8').matchAll(IMPORTS);
    for (const [, name] of statements) {
      if (name!.startsWith('.')) waiting.push(join(dirname(path), name!.replace(/\.js$/, '.ts')));
      else if (stands[name!] === undefined) outside.set(name!, relative(root, path));
    }
  }
  return outside;
}

it('a page with the light client takes nothing that only Node has', () => {
  const outside = takenBy(join(root, 'node/light/page.ts'));
  const known = ['@noble/curves/ed25519.js', '@noble/hashes/sha2.js', 'zod'];
  expect([...outside].filter(([name]) => !known.includes(name))).toEqual([]);
  expect(outside.has('zod')).toBe(true);
});
