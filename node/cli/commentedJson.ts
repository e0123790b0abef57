import { ConfigError, readBounded } from '../config.js';

/**
 * What a JSON file for people says: as JSON, with // and block comments, and a comma after the last item. Throws
 * ConfigError.
 */
export function readCommentedJson(file: string): unknown {
  const text = readBounded(file);
  try {
    return JSON.parse(withoutComments(text));
  } catch (error) {
    throw new ConfigError('not-json', file, `is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** Comments become blanks, line ends stay: places in messages are those of the file. Pure. */
export function withoutComments(text: string): string {
  const blank = (found: string) => found.replace(/[^\n]/g, ' ');
  const bare = text.replace(/"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (found) =>
    found.startsWith('"') ? found : blank(found),
  );
  return bare.replace(/"(?:[^"\\\n]|\\.)*"|,(?=\s*[\]}])/g, (found) => (found === ',' ? ' ' : found));
}
