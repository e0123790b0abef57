import { open, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Puts a file on disk whole or not at all, over an older one too: written beside it, synced, renamed. 0600.
 *
 * Resolves when it survives a power cut. Throws what the disk says. One writer a path at a time.
 */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path);
  const partial = join(folder, `${basename(path)}.partial`);
  const file = await open(partial, 'w', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
  // The new name is on disk only once its folder is.
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
