import type { Client, ResultOf } from '../rpc/index.js';
import { PIECES_MAX, type ReportedPiece } from './reports.js';

type TaskRead = ResultOf<'task.readers'>['tasks'][number];
type Reader = TaskRead['readers'][number];

export interface ChainReportsOptions {
  /** Only readers of this one; null: of all. */
  readonly hospital: string | null;
  /** The first task. */
  readonly from: number;
  /** Into how many spans an area's tasks are cut. */
  readonly windows: number;
}

export type ChainReportsFault =
  | { readonly reason: 'nothing-read' }
  | { readonly reason: 'too-many' }
  /** Two accounts of one name in one area: reports name providers. */
  | { readonly reason: 'same-name'; readonly area: string; readonly name: string };

export type ChainReports =
  | { readonly ok: true; readonly pieces: readonly ReportedPiece[] }
  | { readonly ok: false; readonly fault: ChainReportsFault };

/**
 * What was read and reported on a chain: each task with sealed content is a piece, its readers are whom its publisher
 * admitted, and reported is whom the publisher reported (`levels.report`), whatever the validators made of it.
 *
 * A reader's area is that of its account, or its hospital where the account has none; a task with readers of several
 * areas is a piece in each. Reads only, a hundred tasks a call. Throws RpcError ("not-allowed" from another machine).
 */
export async function reportsOfChain(client: Client, options: ChainReportsOptions): Promise<ChainReports> {
  const tasks: TaskRead[] = [];
  for (let from: number | null = options.from; from !== null; ) {
    const page: ResultOf<'task.readers'> = await client.call('task.readers', { from });
    tasks.push(...page.tasks);
    if (tasks.length > PIECES_MAX) return { ok: false, fault: { reason: 'too-many' } };
    from = page.next;
  }
  return piecesOfTasks(tasks, options);
}

/**
 * The pieces of tasks in ascending order. An area's tasks are cut into windows of as many tasks each, in the order of
 * publication; those of one block stay together. Pure.
 */
export function piecesOfTasks(
  tasks: readonly TaskRead[],
  { hospital, windows }: Pick<ChainReportsOptions, 'hospital' | 'windows'>,
): ChainReports {
  const areas = new Map<string, { readonly height: number; readonly readers: readonly Reader[] }[]>();
  for (const { publishedHeight, readers } of tasks) {
    const wanted = readers.filter((reader) => hospital === null || reader.hospital === hospital);
    for (const area of new Set(wanted.map(areaOf))) {
      const before = areas.get(area) ?? [];
      areas.set(area, before);
      before.push({ height: publishedHeight, readers: wanted.filter((reader) => areaOf(reader) === area) });
    }
  }
  const all: ReportedPiece[] = [];
  for (const [area, reads] of areas) {
    const twice = nameOfTwo(reads.flatMap(({ readers }) => readers));
    if (twice !== null) return { ok: false, fault: { reason: 'same-name', area, name: twice } };
    const placed = windowsOf(
      reads.map(({ height }) => height),
      windows,
    );
    for (const [index, { readers }] of reads.entries())
      all.push({
        area,
        window: placed[index]!,
        readers: readers.map(({ name }) => name),
        reported: readers.filter(({ reported }) => reported).map(({ name }) => name),
      });
  }
  if (all.length === 0) return { ok: false, fault: { reason: 'nothing-read' } };
  return all.length > PIECES_MAX ? { ok: false, fault: { reason: 'too-many' } } : { ok: true, pieces: all };
}

const areaOf = ({ area, hospital }: Reader): string => area || hospital;

/** The window of each; heights ascending. */
function windowsOf(heights: readonly number[], windows: number): readonly number[] {
  const first = new Map<number, number>();
  for (const [index, height] of heights.entries()) if (!first.has(height)) first.set(height, index);
  return heights.map((height) => Math.floor((first.get(height)! * windows) / heights.length));
}

/** A name that two accounts have; null: there is none. */
function nameOfTwo(readers: readonly Reader[]): string | null {
  const accounts = new Map<string, string>();
  for (const { name, account } of readers) {
    if ((accounts.get(name) ?? account) !== account) return name;
    accounts.set(name, account);
  }
  return null;
}
