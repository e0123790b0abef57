import { basename, relative } from 'node:path';

/** How the user can run this program again from where they are, for the commands that a message proposes. */
export function programName(argv: readonly string[] = process.argv, cwd: string = process.cwd()): string {
  const script = argv[1] ?? '';
  if (basename(script) === 'consilium') return 'consilium';
  const near = relative(cwd, script);
  return `node ${near.startsWith('..') ? script : near}`;
}
