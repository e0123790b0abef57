/** Time as the driver knows it; tests bring their own. Unit: milliseconds since 1970. */
export interface Clock {
  now(): number;
  /** Calls back once after `ms`; the returned function calls it off. */
  after(ms: number, fire: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, fire) => {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};
