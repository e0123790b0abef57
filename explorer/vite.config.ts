import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { browserMap } from './bundle.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The page that every node serves: `npm run build:explorer` puts it where node/main.ts looks for it. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  publicDir: false,
  plugins: [browserMap(root, true)],
  worker: { format: 'es', plugins: () => [browserMap(root, true)] },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: fileURLToPath(new URL('../dist/explorer-page', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    assetsInlineLimit: 0,
    reportCompressedSize: true,
  },
});
