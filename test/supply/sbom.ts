import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/root.js';
import { type Lock, production } from './licences.js';

interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  /** Of npm: where it lies, and that it is for development too. */
  readonly properties?: readonly unknown[];
  readonly licenses?: readonly unknown[];
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}
interface Bom {
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: string;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/**
 * What ships with a node, as CycloneDX: every production package with version, licence and hash, from the lock file
 * alone. The same lock file gives the same bytes: `npm sbom` without its time, random serial number and own version.
 *
 * Not by `--omit dev`, which also leaves out what ships *and* is used for development (npm 11.19).
 */
export function softwareBill(): Bom {
  const { serialNumber: _, ...bom } = askNpm();
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Lock;
  };
  const shipped = new Set(production(packages).map(([name, { version }]) => `${name}@${version}`));
  const { timestamp: _time, tools: _tools, ...metadata } = bom.metadata;
  // npm takes the folder's name for the project's.
  const component = { ...metadata.component, name: 'consilium' };
  const isPart = (ref: string) => shipped.has(ref) || ref === component['bom-ref'];
  return {
    ...bom,
    metadata: { ...metadata, component },
    components: sortedBy(
      bom.components.filter((each) => isPart(each['bom-ref'])),
      (each) => each['bom-ref'],
    ).map(({ properties: _says, ...each }) => each),
    dependencies: sortedBy(
      bom.dependencies.filter(({ ref }) => isPart(ref)),
      ({ ref }) => ref,
    ).map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(isPart).sort() })),
  };
}

function askNpm(): Bom & { serialNumber?: string; metadata: { timestamp?: string; tools?: unknown } } {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
  const options: ExecFileSyncOptions = {
    cwd: root,
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 64 * 1024 * 1024,
  };
  return JSON.parse(execFileSync('npm', args, options).toString());
}

function sortedBy<T>(list: readonly T[], keyOf: (item: T) => string): T[] {
  return [...list].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
