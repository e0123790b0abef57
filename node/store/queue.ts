/** Runs work one after another, in the order it was handed in; a failure reaches its caller alone. */
export type Queue = <T>(work: () => Promise<T>) => Promise<T>;

export function createQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
}

/** Does what is handed in while the queue is busy in one go, when its turn comes, in the order in which it came. */
export function together<T>(
  queue: Queue,
  work: (items: readonly T[]) => Promise<void>,
): (items: readonly T[]) => Promise<void> {
  let waiting: { readonly items: T[]; readonly done: Promise<void> } | null = null;
  const begin = (): { readonly items: T[]; readonly done: Promise<void> } => {
    const items: T[] = [];
    const done = queue(() => {
      waiting = null;
      return work(items);
    });
    return { items, done };
  };
  return (more) => {
    waiting ??= begin();
    waiting.items.push(...more);
    return waiting.done;
  };
}
