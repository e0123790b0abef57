/** Longest wait of a test for something that must happen. Generous: only a failure ever takes this long. */
const DEADLINE_MS = 20_000;

/** Resolves as the promise does; rejects when the deadline passes, naming what was waited for. */
export function soon<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for: ${what}`)), DEADLINE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Collects values as they come, and lets a test wait until enough of them did. */
export class Collector<T> {
  readonly values: T[] = [];
  readonly #waiting: { readonly enough: (values: readonly T[]) => boolean; readonly resolve: () => void }[] =
    [];

  readonly push = (value: T): void => {
    this.values.push(value);
    for (const waiter of this.#waiting.splice(0)) {
      if (waiter.enough(this.values)) waiter.resolve();
      else this.#waiting.push(waiter);
    }
  };

  async until(what: string, enough: (values: readonly T[]) => boolean): Promise<readonly T[]> {
    if (!enough(this.values)) {
      await soon(what, new Promise<void>((resolve) => this.#waiting.push({ enough, resolve })));
    }
    return this.values;
  }
}
