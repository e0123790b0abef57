/** Time as deadlines need it; tests bring their own. Unit: milliseconds, from any start, never going back. */
export interface NetClock {
  now(): number;
  /** Calls back once after `ms`; the returned function calls it off. */
  after(ms: number, fire: () => void): () => void;
}

export const monotonicClock: NetClock = {
  now: () => performance.now(),
  after: (ms, fire) => {
    const timer = setTimeout(fire, Math.ceil(ms));
    return () => clearTimeout(timer);
  },
};
