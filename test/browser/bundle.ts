import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { browserMap } from '../../explorer/bundle.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Bundles the page for a browser, by package.json's "browser", into a folder that a node can serve. */
export async function bundlePage(
  folder: string,
): Promise<{ readonly bytes: number; readonly gzipped: number }> {
  await build({
    configFile: false,
    root,
    logLevel: 'error',
    publicDir: false,
    plugins: [browserMap(root, false)],
    build: {
      outDir: join(folder, 'assets'),
      emptyOutDir: true,
      target: 'es2022',
      modulePreload: false,
      rollupOptions: {
        input: join(root, 'dist/test/browser/page.js'),
        output: { entryFileNames: 'page.js', format: 'es' },
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
