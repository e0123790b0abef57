import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../node/cli/exitCodes.js';
import { errorTable } from '../../node/rpc/errors.js';

/** Documents that name parts of the code must name those that exist, and all of them. */

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const rooms = ['crypto', 'chain', 'fl', 'consensus', 'contracts', 'genesis', 'audit', 'pmta', 'net', 'node'];
const exists = (path: string) => existsSync(join(root, path));

/** The cells of a table's rows, in the part of a document that begins with this heading. */
function rowsUnder(document: string, heading: string): string[][] {
  const part = document.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  if (part === undefined) throw new Error(`no heading "${heading}"`);
  return part
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    .slice(1)
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()));
}

const unquote = (text: string) => text.replace(/^`|`$/g, '');

function sourcesIn(folders: readonly string[]): readonly string[] {
  return folders.filter(exists).flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.tsx?$/.test(file))
      .map((file) => read(join(folder, file))),
  );
}

describe('docs/dependencies.md', () => {
  const document = read('docs/dependencies.md');
  const packageFile = JSON.parse(read('package.json')) as {
    readonly dependencies: Record<string, string>;
    readonly devDependencies: Record<string, string>;
  };
  const kinds = [
    { heading: 'At run time', wanted: packageFile.dependencies },
    { heading: 'For development', wanted: packageFile.devDependencies },
  ];

  it.each(kinds)('lists exactly what package.json has: $heading', ({ heading, wanted }) => {
    const listed = rowsUnder(document, heading).map(([name, version]) => [unquote(name!), version]);
    expect(listed).toEqual(Object.entries(wanted).sort(([a], [b]) => (a < b ? -1 : 1)));
  });

  it.each(kinds)('states licence, use and reason of each: $heading', ({ heading }) => {
    for (const [name, , licence, use, reason] of rowsUnder(document, heading)) {
      const installed = JSON.parse(read(join('node_modules', unquote(name!), 'package.json')));
      expect([name, licence]).toEqual([name, installed.license]);
      expect([name, use!.length > 0 && reason!.length > 0]).toEqual([name, true]);
    }
  });

  it('has no dependency that nothing imports', () => {
    const tools = ['@biomejs/biome', '@types/node', '@types/ws', 'typescript'];
    const imported = new Set(
      sourcesIn([...rooms, 'explorer', 'bench', 'test'])
        .flatMap((text) => [...text.matchAll(/(?:from|import|require)\s*\(?\s*'((?:@[^'/]+\/)?[^'/]+)/g)])
        .map(([, name]) => name!),
    );
    const named = Object.keys({ ...packageFile.dependencies, ...packageFile.devDependencies });
    const unused = named.filter((name) => !imported.has(name));
    expect(unused.sort()).toEqual(tools);
  });
});

describe('docs/errors.md', () => {
  const document = read('docs/errors.md');

  it('has every RPC error with its number, and no other', () => {
    const listed = rowsUnder(document, 'RPC').map(([code, word]) => [unquote(word!), Number(code)]);
    expect(listed).toEqual(Object.entries(errorTable).map(([word, { code }]) => [word, code]));
  });

  it('has every exit code with its name, and no other', () => {
    const listed = rowsUnder(document, 'Exit codes').map(([code, name]) => [unquote(name!), Number(code)]);
    expect(listed).toEqual(Object.entries(exitCodes));
  });

  it('has every code with which a contract refuses, and no other', () => {
    const refusals = sourcesIn(['contracts']).flatMap((text) => [
      ...text.matchAll(/\brefuse\(\s*'([^']+)'/g),
    ]);
    const calls = [...read('chain/execute.ts').matchAll(/\{ code: '([^']+)'/g)];
    const wanted = new Set([...refusals, ...calls].map(([, code]) => code!));
    const cells = rowsUnder(document, 'Refusals by a contract').map((row) => row[1]!);
    const listed = new Set(cells.flatMap((cell) => cell.split(', ').map(unquote)));
    expect([...listed].sort()).toEqual([...wanted].sort());
    expect(wanted.size).toBeGreaterThan(20);
  });
});

describe('ARCHITECTURE.md', () => {
  const document = read('ARCHITECTURE.md');
  // Fenced blocks show folders of a running network, not of the source.
  const spans = [...document.replace(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`\n]+)`/g)].map(
    ([, span]) => span!,
  );
  const isPath = (span: string) =>
    /^[\w.-]+(\/[\w.-]+)*\/?$/.test(span) && /(\/|\.(ts|json|md|csv|sh))$/.test(span);

  it('names no file or folder that does not exist', () => {
    const paths = [...new Set(spans.filter(isPath))];
    expect(paths.filter((path) => !exists(path))).toEqual([]);
    expect(paths.length).toBeGreaterThan(50);
  });

  it('has a row for every room', () => {
    const named = rowsUnder(document, 'Rooms').map(([room]) => room!.split(' ')[0]);
    for (const room of rooms) expect(named).toContain(`\`${room}/\``);
  });
});

describe('every document', () => {
  const documents = [
    ...readdirSync(root).filter((name) => name.endsWith('.md')),
    ...readdirSync(join(root, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
    ...['how-to', 'operate', 'reference'].flatMap((part) =>
      readdirSync(join(root, 'docs', part)).map((name) => `docs/${part}/${name}`),
    ),
    'deploy/README.md',
  ];

  it.each(documents)('links to documents that exist: %s', (file) => {
    const plain = read(file).replace(/`[^`\n]*`/g, ''); // patterns in code look like links
    const links = [...plain.matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)].map(([, path]) => path!);
    expect(links.filter((path) => !exists(join(dirname(file), path)))).toEqual([]);
  });

  it.each(documents)('names no source that does not exist: %s', (file) => {
    const sources = [
      ...read(file).matchAll(/`((?:test|bench|datasets|[a-z]+)\/[\w./-]+\.(?:ts|sh|csv|json))`/g),
    ]
      .map(([, path]) => path!)
      .filter((path) => exists(path.split('/')[0]!));
    expect(sources.filter((path) => !exists(path))).toEqual([]);
  });

  it('is looked at', () => {
    expect(documents.length).toBeGreaterThan(20);
  });
});
