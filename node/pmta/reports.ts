import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ReadPiece } from '../../pmta/index.js';
import { readBounded } from '../config.js';
import { DataError } from '../data/index.js';

const BYTES_MAX = 32 * 1024 * 1024;
/** Of a file. */
export const PIECES_MAX = 100_000;
/** Of an area; each is foretold from the others by an allocation of its own. */
export const WINDOWS_MAX = 64;
/** Of a piece: as many as may apply for one task. */
const READERS_MAX = 256;
const NAMED_MAX = 5;

const name = z.string().min(1).max(256);
const names = z.array(name).max(READERS_MAX);

const pieceForm = z
  .strictObject({
    area: name,
    window: z
      .number()
      .int()
      .min(0)
      .max(WINDOWS_MAX - 1),
    readers: names.min(1),
    reported: names,
  })
  .refine(({ readers }) => new Set(readers).size === readers.length, 'a reader stands there twice')
  .refine(({ reported }) => new Set(reported).size === reported.length, 'who was reported stands there twice')
  .refine(
    ({ readers, reported }) => reported.every((one) => readers.includes(one)),
    'who was reported is no reader of it',
  );

/**
 * A piece of content that was read in an area: the names of its readers, whom its publisher reported, and the window,
 * a span of time from 0 on.
 */
export type ReportedPiece = z.output<typeof pieceForm>;

export interface Reports {
  readonly file: string;
  /** SHA-256 of the file, hex. */
  readonly hash: string;
  readonly pieces: readonly ReportedPiece[];
}

/** A file of what was read and reported. Throws ConfigError where there is none, or one too large; DataError. */
export function readReports(file: string): Reports {
  return parseReports(file, readBounded(file, BYTES_MAX));
}

/**
 * A JSON array of pieces, or one piece a line. `file` names it in messages.
 *
 * Throws DataError "unfit" without pieces or with one of another form, "too-large" for more than PIECES_MAX.
 */
export function parseReports(file: string, text: string): Reports {
  const unfit = (detail: string) => new DataError('unfit', file, detail);
  const entries = text.trimStart().startsWith('[') ? arrayIn(text, unfit) : linesIn(text, unfit);
  if (entries.length === 0)
    throw unfit('it holds no piece: "consilium pmta reports" takes them from a chain');
  if (entries.length > PIECES_MAX)
    throw new DataError('too-large', file, `it holds more than ${PIECES_MAX} pieces`);
  const pieces = entries.map(({ place, value }) => {
    const parsed = pieceForm.safeParse(value);
    if (parsed.success) return parsed.data;
    const { path, message } = parsed.error.issues[0]!;
    throw unfit(`${place}: ${[...path, message].join(': ')}`);
  });
  return { file, hash: createHash('sha256').update(text).digest('hex'), pieces };
}

/** The same as a file: a JSON array with a piece a line. */
export function encodeReports(pieces: readonly ReportedPiece[]): Uint8Array {
  const lines = pieces.map(({ area, window, readers, reported }) =>
    JSON.stringify({ area, window, readers, reported }),
  );
  return new TextEncoder().encode(`[\n${lines.join(',\n')}\n]\n`);
}

interface Entry {
  /** Where it stands, for people. */
  readonly place: string;
  readonly value: unknown;
}

function arrayIn(text: string, unfit: (detail: string) => DataError): readonly Entry[] {
  try {
    const values = JSON.parse(text.trim()) as readonly unknown[];
    return values.map((value, index) => ({ place: `piece ${index + 1}`, value }));
  } catch (error) {
    throw unfit(`it is not JSON: ${(error as Error).message}`);
  }
}

function linesIn(text: string, unfit: (detail: string) => DataError): readonly Entry[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const place = `line ${index + 1}`;
    try {
      return [{ place, value: JSON.parse(line) as unknown }];
    } catch (error) {
      throw unfit(`${place} is not JSON: ${(error as Error).message}`);
    }
  });
}

/**
 * The pieces of one area, its providers by index.
 *
 * Throws DataError "unfit" for a reader that is none of its providers, and where nobody was reported in two windows: what
 * is learned from one is judged by another.
 */
export function piecesOf(
  { file, pieces }: Reports,
  area: { readonly name: string; readonly providers: readonly string[] },
): readonly ReadPiece[] {
  const own = pieces.filter((piece) => piece.area === area.name);
  if (own.length === 0) {
    const others = [...new Set(pieces.map((piece) => piece.area))].slice(0, NAMED_MAX).join(', ');
    throw new DataError(
      'unfit',
      file,
      `nothing was read in area ${area.name}: the reports are of ${others} (--area takes single areas)`,
    );
  }
  const indexOf = new Map(area.providers.map((provider, index) => [provider, index]));
  const unknown = [...new Set(own.flatMap(({ readers }) => readers))].filter((one) => !indexOf.has(one));
  if (unknown.length > 0) {
    const more = unknown.length > NAMED_MAX ? ` and ${unknown.length - NAMED_MAX} more` : '';
    const listed = `${unknown.slice(0, NAMED_MAX).join(', ')}${more}`;
    throw new DataError('unfit', file, `these readers are no providers of area ${area.name}: ${listed}`);
  }
  const windows = new Set(own.flatMap(({ window, reported }) => (reported.length > 0 ? [window] : [])));
  if (windows.size < 2)
    throw new DataError(
      'unfit',
      file,
      `area ${area.name} has reports in ${windows.size} of its windows, and needs them in two or more: what one says of providers is judged by another`,
    );
  const indices = (wanted: readonly string[]) => wanted.map((one) => indexOf.get(one)!);
  return own.map(({ window, readers, reported }) => ({
    window,
    readers: indices(readers),
    named: indices(reported),
  }));
}
