import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { openFolder } from '../../provision/index.js';
import { wholeNumber } from '../args.js';
import { CliError } from '../failure.js';
import { interrupt } from '../interrupt.js';
import type { Io } from '../io.js';

const LINES = 20;
const READ_BYTES_MAX = 1024 * 1024;
const POLL_MS = 250;

/** `consilium testnet logs`: what validators log, together. */
export function addLogs(testnet: Command, io: Io): void {
  testnet
    .command('logs')
    .argument('<folder>', 'the network')
    .argument('[names...]', 'validators (default: all)')
    .option('-f, --follow', 'go on until Ctrl-C', false)
    .option('--lines <n>', 'of each, from the end', wholeNumber(0, 10_000), LINES)
    .description('what validators log; with --json as they wrote it')
    .action((folder: string, names: string[], _, self: Command) =>
      logs(folder, names, self.optsWithGlobals(), io),
    );
}

interface Source {
  readonly name: string;
  readonly file: string;
  at: number;
  readonly decoder: StringDecoder;
  rest: string;
}

async function logs(
  folder: string,
  names: readonly string[],
  {
    follow,
    lines,
    json = false,
  }: { readonly follow: boolean; readonly lines: number; readonly json?: boolean },
  io: Io,
): Promise<void> {
  const { dir, file } = openFolder(folder);
  const unknown = names.find((name) => !file.nodes.some((node) => node.name === name));
  if (unknown !== undefined) throw new CliError('usage', `there is no validator ${unknown} in this network`);
  const sources = file.nodes
    .filter(({ name }) => names.length === 0 || names.includes(name))
    .map(({ name, folder: of }): Source => {
      return { name, file: join(dir, of, 'node.log'), at: 0, decoder: new StringDecoder('utf8'), rest: '' };
    });
  const wide = Math.max(...sources.map(({ name }) => name.length));
  const show = (line: Line) => io.out(json ? line.text : readable(line, wide));
  const before = sources.flatMap((source) => {
    source.at = Math.max(0, sizeOf(source.file) - READ_BYTES_MAX);
    return newLines(source).slice(-lines);
  });
  // Of one moment, in the order of the nodes.
  for (const line of before.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))) show(line);
  if (!follow) return;
  const { signal, ignore } = interrupt();
  try {
    while (!signal.aborted) {
      for (const line of sources.flatMap(newLines)) show(line);
      await delay(POLL_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    ignore();
  }
}

interface Line {
  readonly name: string;
  readonly text: string;
  readonly time: string;
}

const sizeOf = (file: string): number => (existsSync(file) ? statSync(file).size : 0);

/** Whole lines that were written since the last time, a bounded part of them at once. */
function newLines(source: Source): readonly Line[] {
  const size = sizeOf(source.file);
  if (size < source.at) source.at = 0; // another file of that name
  if (size === source.at) return [];
  const bytes = Buffer.alloc(Math.min(size - source.at, READ_BYTES_MAX));
  const handle = openSync(source.file, 'r');
  try {
    source.at += readSync(handle, bytes, 0, bytes.length, source.at);
  } finally {
    closeSync(handle);
  }
  const parts = (source.rest + source.decoder.write(bytes)).split('\n');
  source.rest = parts.pop()!;
  return parts.filter((text) => text !== '').map((text) => ({ name: source.name, text, time: timeOf(text) }));
}

function timeOf(text: string): string {
  return /"time":"([^"]*)"/.exec(text)?.[1] ?? '';
}

/** "12:03:44.120 hospital-1 commit height=7 hash=ab12": what is no structured line stays as it is. */
function readable({ name, text }: Line, wide: number): string {
  try {
    const { time, level, event, ...fields } = JSON.parse(text) as Record<string, unknown>;
    const said = Object.entries(fields).map(
      ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    );
    const mark = level === 'info' ? '' : `${String(level).toUpperCase()} `;
    return `${String(time).slice(11, 23)} ${name.padEnd(wide)} ${mark}${[String(event), ...said].join(' ')}`;
  } catch {
    return `${name.padEnd(wide)} ${text}`;
  }
}
