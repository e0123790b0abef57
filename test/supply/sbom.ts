import { execFileSync } from 'node:child_process';
import { root } from '../support/root.js';

interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
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
 */
export function softwareBill(): Bom {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--package-lock-only'];
  const bom = JSON.parse(
    execFileSync('npm', args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 64 * 1024 * 1024,
    }).toString(),
  ) as Bom & { serialNumber?: string; metadata: { timestamp?: string; tools?: unknown } };
  const { serialNumber: _, ...rest } = bom;
  const { timestamp: _time, tools: _tools, ...metadata } = rest.metadata;
  // npm takes the folder's name for the project's.
  const component = { ...metadata.component, name: 'consilium' };
  return {
    ...rest,
    metadata: { ...metadata, component },
    components: sortedBy(rest.components, (each) => each['bom-ref']),
    dependencies: sortedBy(rest.dependencies, ({ ref }) => ref).map(({ ref, dependsOn }) => ({
      ref,
      dependsOn: [...dependsOn].sort(),
    })),
  };
}

function sortedBy<T>(list: readonly T[], keyOf: (item: T) => string): T[] {
  return [...list].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
