/** Time as the driver knows it; tests bring their own. Unit: milliseconds. */
export interface Clock {
  /** Since 1970, as the machine believes: for what is said to others. It may jump, also back. */
  now(): number;
  /** Since some moment; it never goes back. How long something took or shall rest is counted by this one alone. */
  monotonic(): number;
  /** Calls back once after `ms`; the returned function calls it off. */
  after(ms: number, fire: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, fire) => {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};
