import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';

/** Files of a web page and their bytes at most; the explorer has fewer and smaller ones. */
const FILES_MAX = 256;
const BYTES_MAX = 16 * 1024 * 1024;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
};

export interface Page {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/**
 * What a page may do: its own files and this node's RPC, nothing from elsewhere, and in no other page's frame. wasm may
 * be compiled, scripts in the text may not run.
 */
export const PAGE_POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/**
 * The files of a folder by the paths under which a browser asks for them; `index.html` is also the folder's own path.
 *
 * All are read at once: what is served later is what was there, whatever a request's path says. Files of unknown kind
 * and those whose name begins with a dot are left out. Throws RangeError beyond 256 files or 16 MiB, and what reading
 * throws.
 */
export function readPages(folder: string): ReadonlyMap<string, Page> {
  const pages = new Map<string, Page>();
  let bytesLeft = BYTES_MAX;
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const file = join(folder, entry);
    const type = types[extname(file)];
    if (type === undefined || entry.split(sep).some((part) => part.startsWith('.'))) continue;
    if (!statSync(file).isFile()) continue;
    const bytes = readFileSync(file);
    bytesLeft -= bytes.length;
    if (pages.size >= FILES_MAX || bytesLeft < 0) {
      throw new RangeError(`${folder} has more than ${FILES_MAX} files or ${BYTES_MAX} bytes of pages`);
    }
    const path = `/${relative(folder, file).split(sep).join('/')}`;
    pages.set(path, { type, bytes });
    if (path.endsWith('/index.html')) pages.set(path.slice(0, -'index.html'.length), { type, bytes });
  }
  return pages;
}
