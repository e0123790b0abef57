/** One piece of a task's content. Each is read by as many providers, so that one who fails costs no piece. */
export interface Piece {
  /** Providers that were given its key, each once. */
  readonly readers: readonly number[];
}

/** Who may read a piece of a task of one class. */
export const openings = ['one pool', 'classes without a gate', 'classes behind a gate'] as const;
export type Opening = (typeof openings)[number];

/**
 * The share of the pieces that a coalition can put together: it holds a piece if any of its members was given the key.
 * 0 to 1; of no pieces 0. coalition: the malicious providers, who share all they read. Cost: O(pieces · readers).
 */
export function assembledShare(pieces: readonly Piece[], coalition: ReadonlySet<number>): number {
  if (pieces.length === 0) return 0;
  return (
    pieces.filter(({ readers }) => readers.some((reader) => coalition.has(reader))).length / pieces.length
  );
}

/**
 * The chance that at least one of so many readers, drawn without replacement from `size` providers, is among its
 * `malicious`. Where there are fewer providers than readers, all of them read. Cost: O(readers).
 */
export function chanceOfMalicious(size: number, malicious: number, readers: number): number {
  checkCounts(size, malicious, readers);
  let honest = 1;
  for (let drawn = 0; drawn < Math.min(size, readers); drawn++)
    honest *= Math.max(0, size - malicious - drawn) / (size - drawn);
  return 1 - honest;
}

/**
 * The share of all tasks' content that the malicious assemble, in expectation over who reads: the exact mean of
 * `assembledShare` where each class has as many tasks as any other and a piece's readers are drawn evenly from those
 * who may apply.
 *
 * classes: [providers], from 1 to `classCount`; a class without providers has no readers and gives nothing away.
 * 'one pool': no classification, everybody may apply for everything. 'classes without a gate': the level of a task is
 * a courtesy that the honest keep to and the malicious don't, so they apply for every class. 'classes behind a gate':
 * only a provider of the class can be given the key, which is what the tasks contract and its sealed content enforce.
 */
export function expectedShare(
  classes: ArrayLike<number>,
  classCount: number,
  coalition: ReadonlySet<number>,
  readers: number,
  opening: Opening,
): number {
  const providers = classes.length;
  if (opening === 'one pool') return chanceOfMalicious(providers, coalition.size, readers);
  const { sizes, malicious } = countsOf(classes, classCount, coalition);
  let sum = 0;
  for (let at = 0; at < classCount; at++) {
    const outside = opening === 'classes without a gate' ? coalition.size - malicious[at]! : 0;
    sum += chanceOfMalicious(sizes[at]! + outside, malicious[at]! + outside, readers);
  }
  return sum / classCount;
}

/** How many providers each class has, and how many of the coalition. */
export function countsOf(
  classes: ArrayLike<number>,
  classCount: number,
  coalition: ReadonlySet<number>,
): { readonly sizes: readonly number[]; readonly malicious: readonly number[] } {
  const [sizes, malicious] = [new Array<number>(classCount).fill(0), new Array<number>(classCount).fill(0)];
  for (let provider = 0; provider < classes.length; provider++) {
    const own = classes[provider]! - 1;
    if (!(own >= 0 && own < classCount)) throw new RangeError(`class ${classes[provider]} of ${classCount}`);
    sizes[own]!++;
    if (coalition.has(provider)) malicious[own]!++;
  }
  return { sizes, malicious };
}

function checkCounts(size: number, malicious: number, readers: number): void {
  const whole = [size, malicious, readers].every((count) => Number.isSafeInteger(count) && count >= 0);
  if (!whole || malicious > size || readers < 1)
    throw new RangeError(`${malicious} malicious of ${size}, ${readers} readers`);
}
