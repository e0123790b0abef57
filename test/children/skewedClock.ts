import { readFileSync, watchFile } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Bends the wall clock of the process that is started with `--import THIS?file=FILE`: while FILE holds a whole
 * number, Date shows so many milliseconds more (or less, if it is negative). The monotonic clock and timers run on as
 * they did, as when somebody sets a machine's clock.
 */
const LOOK_MS = 50;

const file = fileURLToPath(new URL(import.meta.url).searchParams.get('file')!);
const real = Date;
let skewMs = read();
watchFile(file, { interval: LOOK_MS, persistent: false }, () => {
  skewMs = read();
});

class SkewedDate extends real {
  constructor(...given: readonly unknown[]) {
    // Date takes up to seven arguments, of several types; none means now.
    super(...((given.length === 0 ? [SkewedDate.now()] : given) as [number]));
  }

  static override now(): number {
    return real.now() + skewMs;
  }
}
globalThis.Date = SkewedDate as DateConstructor;

function read(): number {
  try {
    const text = readFileSync(file, 'utf8');
    return /^-?\d+\s*$/.test(text) ? Number(text) : 0;
  } catch {
    return 0; // not there yet
  }
}
