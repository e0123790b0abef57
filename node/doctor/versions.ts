import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Finding, fault, ok } from './finding.js';

/** The program's package.json, as far as it is looked at. */
export interface Wanted {
  readonly version: string;
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Is this Node new enough, and is every library the one that this version was tested with? */
export function versionFindings(
  wanted: Wanted,
  nodeVersion: string,
  programFolder: string,
): readonly Finding[] {
  const least = wanted.engines.node.replace('>=', '');
  const found: Finding[] = [];
  if (isOlder(nodeVersion, least)) {
    found.push(
      fault(
        'versions',
        `Node ${nodeVersion} runs this, ${least} is the least`,
        `install Node ${least} or later`,
      ),
    );
  }
  for (const [name, version] of Object.entries(wanted.dependencies)) {
    const installed = installedVersion(name, programFolder);
    if (installed === version) continue;
    const what = installed === null ? `${name} is not installed` : `${name} is ${installed}, not ${version}`;
    found.push(
      fault(
        'versions',
        what,
        'run "npm ci" in the program’s folder: it installs what package-lock.json names',
      ),
    );
  }
  if (found.length > 0) return found;
  const libraries = Object.keys(wanted.dependencies).length;
  return [
    ok(
      'versions',
      `Consilium ${wanted.version}, Node ${nodeVersion}, ${libraries} libraries as they were tested`,
    ),
  ];
}

/** Whole numbers, from the left. Pure. */
function isOlder(version: string, least: string): boolean {
  const [a, b] = [version, least].map((text) => text.replace(/^v/, '').split(/[.-]/).map(Number));
  for (const [index, part] of b!.entries()) {
    const own = a![index] ?? 0;
    if (own !== part) return own < part;
  }
  return false;
}

/** As Node looks for it: in the folder and those above. */
function installedVersion(name: string, from: string): string | null {
  for (let folder = from; ; folder = dirname(folder)) {
    const file = join(folder, 'node_modules', name, 'package.json');
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
    if (dirname(folder) === folder) return null;
  }
}
