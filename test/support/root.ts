import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the compiled project lies: these files are run from dist, or by the test runner from the sources. */
const here = dirname(fileURLToPath(import.meta.url));
export const root = here.includes(`${join('dist', 'test')}`)
  ? join(here, '..', '..', '..')
  : join(here, '..', '..');
