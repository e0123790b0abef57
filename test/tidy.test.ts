import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { generated } from './docs/generated.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Which rooms a room may import. Imports go down only. */
const mayImport: Record<string, readonly string[]> = {
  wasm: [],
  crypto: ['wasm'],
  chain: ['crypto'],
  fl: ['wasm', 'crypto'],
  consensus: ['crypto', 'chain'],
  contracts: ['crypto', 'chain', 'fl', 'consensus'],
  genesis: ['crypto', 'chain', 'fl', 'consensus', 'contracts'],
  audit: ['crypto', 'chain', 'fl', 'consensus', 'contracts', 'genesis'],
  pmta: ['crypto', 'fl'],
  net: ['crypto', 'chain'],
  node: ['crypto', 'chain', 'fl', 'fl/trainer', 'consensus', 'contracts', 'genesis', 'audit', 'pmta', 'net'],
};

/** Libraries that only one room may import. */
const onlyIn: readonly { library: RegExp; place: string }[] = [
  { library: /^@noble\//, place: 'crypto/' },
  { library: /^sodium-native$/, place: 'crypto/sodium.ts' },
  { library: /^@tensorflow\//, place: 'fl/trainer/' },
  { library: /^(@libp2p\/|libp2p$|@multiformats\/)/, place: 'net/' },
  { library: /^classic-level$/, place: 'node/store/' },
  { library: /^ws$/, place: 'node/rpc/' },
];

const pureRooms = ['wasm', 'crypto', 'chain', 'fl', 'consensus', 'contracts', 'genesis', 'audit', 'pmta'];

/** What pure code must not mention (STYLE.md section 1). */
const impure: readonly RegExp[] = [
  /\basync\b/,
  /\bawait\b/,
  /\bDate\b/,
  /\bMath\.random\b/,
  /\brandomBytes\b/,
  /\bset(Timeout|Interval|Immediate)\b/,
  /\bprocess\./,
  /\bconsole\./,
  /from 'node:(fs|net|http|os|child_process|worker_threads)/,
];

/** file: reason. Every exception is named here. */
const impureAllowed: Record<string, string> = {};

interface Source {
  readonly path: string;
  readonly room: string;
  readonly text: string;
  readonly code: string;
}

const sources: readonly Source[] = Object.keys(mayImport).flatMap((room) =>
  readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => {
      const path = posix.join(room, file.split('\\').join('/'));
      const text = readFileSync(join(root, path), 'utf8');
      return {
        path,
        room: path.startsWith('fl/trainer/') ? 'fl/trainer' : room,
        text,
        code: stripComments(text),
      };
    }),
);

function stripComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}

function importsOf(source: Source): string[] {
  return [...source.code.matchAll(/(?:from|import|require)\s*\(?\s*'([^']+)'/g)].map((match) => match[1]!);
}

function roomOf(path: string): string {
  if (path.startsWith('fl/trainer/')) return 'fl/trainer';
  return path.split('/')[0]!;
}

describe('tidy', () => {
  it('lets imports go down only, and through a room’s index', () => {
    const offences: string[] = [];
    for (const source of sources) {
      const allowed = source.room === 'fl/trainer' ? ['wasm', 'crypto', 'fl'] : mayImport[source.room]!;
      for (const specifier of importsOf(source)) {
        if (!specifier.startsWith('.')) continue;
        const target = posix.normalize(posix.join(posix.dirname(source.path), specifier));
        const room = roomOf(target);
        if (room === source.room || target === 'package.json') continue;
        if (!allowed.includes(room)) offences.push(`${source.path} imports ${target}`);
        const isIndex = /\/index\.js$/.test(target) || (room === 'fl/trainer' && /worker\.js$/.test(target));
        if (!isIndex && !target.endsWith('.json'))
          offences.push(`${source.path} reaches past the index: ${target}`);
      }
    }
    expect(offences).toEqual([]);
  });

  it('lets the explorer take what runs in a browser, and nothing else', () => {
    // By file where the room's index would bring what a page has no use for: its size is bounded.
    const values = [
      /^crypto\//,
      /^fl\/(data|model)\//,
      'genesis/index.js',
      'node/light/page.js',
      'node/rpc/socket/follow.js',
    ];
    const offences = readdirSync(join(root, 'explorer'), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.tsx?$/.test(file))
      .flatMap((file) => {
        const path = posix.join('explorer', file);
        const code = stripComments(readFileSync(join(root, path), 'utf8')).replace(/import type [^;]*;/g, '');
        return [...code.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)]
          .map(([, specifier]) => posix.normalize(posix.join(posix.dirname(path), specifier!)))
          .filter((target) => !target.startsWith('explorer/'))
          .filter(
            (target) => !values.some((may) => (typeof may === 'string' ? may === target : may.test(target))),
          )
          .map((target) => `${path} imports ${target}`);
      });
    expect(offences).toEqual([]);
  });

  it('keeps each library in the one room that owns it', () => {
    const offences = sources.flatMap((source) =>
      importsOf(source)
        .filter((name) =>
          onlyIn.some(({ library, place }) => library.test(name) && !source.path.startsWith(place)),
        )
        .map((name) => `${source.path} imports ${name}`),
    );
    expect(offences).toEqual([]);
  });

  it('keeps the pure rooms pure', () => {
    const offences = sources
      .filter((source) => pureRooms.includes(source.room) && !(source.path in impureAllowed))
      .flatMap((source) =>
        impure
          .filter((pattern) => pattern.test(source.code))
          .map((pattern) => `${source.path}: ${pattern.source}`),
      );
    expect(offences).toEqual([]);
  });

  it('keeps files under 500 lines, generated ones aside', () => {
    const offences = sources
      .filter(({ path }) => !(path in generated))
      .map((source) => ({ path: source.path, lines: source.text.split('\n').length }))
      .filter(({ lines }) => lines > 500)
      .map(({ path, lines }) => `${path}: ${lines}`);
    expect(offences).toEqual([]);
  });

  it('names no file by an empty word', () => {
    const offences = sources.filter((source) =>
      /(^|\/)(utils?|base|common|manager|helpers?)\.ts$/.test(source.path),
    );
    expect(offences.map((source) => source.path)).toEqual([]);
  });

  it('has looked at something', () => {
    expect(sources.length).toBeGreaterThan(0);
    expect(relative(root, join(root, sources[0]!.path))).toBe(sources[0]!.path);
  });
});
