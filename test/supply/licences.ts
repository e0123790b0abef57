/** What a lock file says of a package. */
export interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly integrity?: string;
  readonly link?: boolean;
}
export type Lock = Readonly<Record<string, Locked>>;

/** Licences that ask for no more than to be named: what ships with a node may have these alone (SPDX ids). */
export const allowedLicences: readonly string[] = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Unlicense',
];

/** Packages that are installed for who uses a node: name and entry, sorted. Folders of the project itself are none. */
export function production(lock: Lock): readonly (readonly [string, Locked])[] {
  return Object.entries(lock)
    .filter(([path, { dev, link }]) => path !== '' && dev !== true && link !== true)
    .map(
      ([path, locked]) =>
        [path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length), locked] as const,
    )
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** One line for each production package whose licence is not on the list, is missing, or is no SPDX expression. */
export function licenceFaults(lock: Lock): readonly string[] {
  return production(lock)
    .filter(([, { license }]) => license === undefined || !isAllowed(license))
    .map(([name, { version, license }]) => `${name}@${version}: ${license ?? 'no licence'}`);
}

/** An SPDX expression of ids, OR, AND and brackets; AND binds closer. Exceptions (WITH) and LicenseRefs are refused. */
export function isAllowed(expression: string): boolean {
  const words = expression.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  const either = (): boolean => {
    let allowed = both();
    while (words[at] === 'OR') {
      at += 1;
      const next = both();
      allowed = allowed || next;
    }
    return allowed;
  };
  const both = (): boolean => {
    let allowed = one();
    while (words[at] === 'AND') {
      at += 1;
      const next = one();
      allowed = allowed && next;
    }
    return allowed;
  };
  const one = (): boolean => {
    const word = words[at];
    at += 1;
    if (word !== '(') return word !== undefined && allowedLicences.includes(word);
    const allowed = either();
    at += 1;
    return allowed && words[at - 1] === ')';
  };
  const allowed = either();
  return allowed && at === words.length;
}
