import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { browserMap } from './bundle.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** `consilium/client` for browsers: one module that imports nothing, for any bundler and for a page without one. */
export default defineConfig({
  root,
  publicDir: false,
  plugins: [browserMap(root, true)],
  build: {
    outDir: fileURLToPath(new URL('../dist/client-browser', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    lib: {
      entry: fileURLToPath(new URL('../node/client/index.ts', import.meta.url)),
      formats: ['es'],
      fileName: () => 'index.js',
    },
    rolldownOptions: { output: { codeSplitting: false } },
  },
});
