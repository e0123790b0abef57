import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

/**
 * Obeys package.json's "browser" for this project's own files too, which the bundler does for packages alone: names of
 * modules and of files, each with what stands for it. `sources`: the files are the sources instead of the built ones.
 */
export function browserMap(root: string, sources: boolean): Plugin {
  const { browser } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly browser: Readonly<Record<string, string>>;
  };
  const fileOf = (name: string) =>
    join(root, sources ? name.replace('./dist/', '').replace(/\.js$/, '.ts') : name);
  const placeOf = (name: string) => (name.startsWith('./') ? fileOf(name) : name);
  const twins = new Map(Object.entries(browser).map(([name, twin]) => [placeOf(name), placeOf(twin)]));
  return {
    name: 'browser-map',
    enforce: 'pre',
    async resolveId(name, importer, options) {
      const named = twins.get(name);
      if (named !== undefined) return this.resolve(named, importer, { ...options, skipSelf: true });
      const found = await this.resolve(name, importer, { ...options, skipSelf: true });
      return found === null ? null : (twins.get(found.id) ?? found);
    },
  };
}
