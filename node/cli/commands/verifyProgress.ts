import type { Progress } from '../../export/index.js';
import type { Io } from '../io.js';
import { createStatusLine } from '../statusLine.js';

const REDRAW_MS = 200;
const LINE_MS = 10_000;

/** Shows how far an audit is. */
export interface VerifyProgress {
  update(progress: Progress): void;
  close(): void;
}

/**
 * On a terminal one line that is drawn over itself; elsewhere, and with `json`, a plain remark every ten seconds.
 * `now` is in milliseconds, from any beginning.
 */
export function createVerifyProgress(
  io: Io,
  json: boolean,
  now: () => number = () => performance.now(),
): VerifyProgress {
  const line = createStatusLine(io, json);
  const begun = now();
  let last = begun;
  return {
    update: (progress) => {
      const time = now();
      if (time - last < (line.isDrawn ? REDRAW_MS : LINE_MS)) return;
      last = time;
      line.show(progressLine(progress, (time - begun) / 1_000));
    },
    close: () => line.close(),
  };
}

/** Height, share of the file, speed, and the time that is left at this speed. Pure. */
export function progressLine({ height, blocks, bytes, bytesTotal }: Progress, seconds: number): string {
  const share = bytesTotal === 0 ? 1 : bytes / bytesTotal;
  const left = share === 0 ? null : (seconds / share) * (1 - share);
  const speed = seconds === 0 ? '' : `, ${Math.round(blocks / seconds)} blocks/s`;
  const rest = left === null ? '' : `, ${clock(left)} left`;
  return `height ${height}, ${Math.floor(share * 100)} % of the file${speed}${rest}`;
}

function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const parts = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
