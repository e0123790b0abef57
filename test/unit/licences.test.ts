import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { isAllowed, type Lock, licenceFaults, production } from '../supply/licences.js';

const { packages } = JSON.parse(
  readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'),
) as {
  readonly packages: Lock;
};

it('every package that ships with a node has a licence of the list', () => {
  expect(production(packages).length).toBeGreaterThan(50);
  expect(licenceFaults(packages)).toEqual([]);
});

it('every package of the lock file has the hash of what is installed', () => {
  const without = Object.entries(packages).filter(
    ([path, { integrity, link }]) => path !== '' && !link && !integrity,
  );
  expect(without).toEqual([]);
});

it('finds a licence that is not on the list, and none at all; development packages may have others', () => {
  const lock: Lock = {
    '': { version: '1.0.0', license: 'Apache-2.0' },
    'node_modules/good': { version: '1.0.0', license: 'MIT' },
    'node_modules/good/node_modules/@a/copyleft': { version: '2.0.0', license: 'GPL-3.0-only' },
    'node_modules/nameless': { version: '3.0.0' },
    'node_modules/tool': { version: '4.0.0', license: 'MPL-2.0', dev: true },
  };
  expect(licenceFaults(lock)).toEqual(['@a/copyleft@2.0.0: GPL-3.0-only', 'nameless@3.0.0: no licence']);
});

it.each([
  ['MIT', true],
  ['GPL-2.0-only OR MIT', true],
  ['(MIT OR GPL-2.0-only) AND ISC', true],
  ['MIT OR GPL-2.0-only AND X', true],
  ['MIT AND GPL-2.0-only', false],
  ['(MIT OR Apache-2.0) AND GPL-2.0-only', false],
  ['MIT WITH Classpath-exception-2.0', false],
  ['(MIT', false],
  ['MIT ISC', false],
  ['UNLICENSED', false],
  ['SEE LICENSE IN FILE', false],
  ['', false],
])('reads the SPDX expression %j', (expression, allowed) => {
  expect(isAllowed(expression)).toBe(allowed);
});
