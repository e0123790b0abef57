import { basename, relative } from 'node:path';

/** How the user can run this program again from where they are, for the commands that a message proposes. */
export function programName(argv: readonly string[] = process.argv, cwd: string = process.cwd()): string {
  const script = argv[1] ?? '';
  if (basename(script) === 'consilium') return 'consilium';
  return `node ${nearPath(script, cwd)}`;
}

/** A path as one types it from where one is: relative within the working directory, else as it is. */
export function nearPath(path: string, cwd: string = process.cwd()): string {
  const near = relative(cwd, path);
  return near === '' || near.startsWith('..') ? path : near;
}
