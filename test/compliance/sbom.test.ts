import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Lock, production } from '../supply/licences.js';
import { softwareBill } from '../supply/sbom.js';
import { root } from '../support/root.js';

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  readonly packages: Lock;
};

it('the bill of materials names every package that ships, with licence and hash, and is the same each time', () => {
  const bill = softwareBill();
  expect(bill).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'consilium' } } });
  const named = bill.components.map(({ name, version }) => `${name}@${version}`);
  const shipped = new Set(production(packages).map(([name, { version }]) => `${name}@${version}`));
  expect(named.filter((each) => !shipped.has(each))).toEqual([]);
  expect([...shipped].filter((each) => !named.includes(each))).toEqual([]);
  for (const { name, licenses = [], hashes = [] } of bill.components) {
    expect([name, licenses.length]).toEqual([name, 1]);
    expect([name, hashes.map(({ alg }) => alg)]).toEqual([name, ['SHA-512']]);
  }
  expect(JSON.stringify(bill)).not.toMatch(/timestamp|serialNumber/);
  // What is used for development too ships all the same.
  expect(named).toContain(`multiformats@${packages['node_modules/multiformats']!.version}`);
  const refs = new Set([...bill.components, bill.metadata.component].map((each) => each['bom-ref']));
  for (const { ref, dependsOn } of bill.dependencies)
    expect([ref, dependsOn.filter((each) => !refs.has(each))]).toEqual([ref, []]);
  expect(softwareBill()).toEqual(bill);
}, 240_000);
