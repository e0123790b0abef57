import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Plugin } from 'vite';

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Obeys package.json's "browser" for this project's own files too, which the bundler does for packages alone: names of
 * modules and of built files, each with what stands for it.
 */
export function browserMap(): Plugin {
  const { browser } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly browser: Readonly<Record<string, string>>;
  };
  const placeOf = (name: string) => (name.startsWith('./') ? join(root, name) : name);
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

/** Bundles a page for a browser, by package.json's "browser", into a folder that a node can serve: assets/NAME.js. */
export async function bundlePage(
  folder: string,
  name = 'page',
): Promise<{ readonly bytes: number; readonly gzipped: number }> {
  await build({
    configFile: false,
    root,
    base: '/assets/',
    logLevel: 'error',
    publicDir: false,
    plugins: [browserMap()],
    worker: { format: 'es', plugins: () => [browserMap()] },
    build: {
      outDir: join(folder, 'assets'),
      assetsDir: '',
      emptyOutDir: true,
      target: 'es2022',
      modulePreload: false,
      rollupOptions: {
        input: join(root, `dist/test/browser/${name}.js`),
        output: { entryFileNames: `${name}.js`, format: 'es' },
      },
    },
  });
  const files = readdirSync(join(folder, 'assets'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => readFileSync(join(folder, 'assets', name)));
  const sum = (sizes: readonly number[]) => sizes.reduce((all, size) => all + size, 0);
  return {
    bytes: sum(files.map((file) => file.length)),
    gzipped: sum(files.map((file) => gzipSync(file, { level: 9 }).length)),
  };
}
