/**
 * Values along a line, [length][channels], read through windows of `size` positions that begin `stride` apart and overlap
 * the ends by `edge`, where zeros stand.
 */
export interface Windows {
  readonly length: number;
  readonly channels: number;
  readonly size: number;
  readonly stride: number;
}

/** DCGAN's: twice the stride wide, so that each position is in two windows, and length / stride of them. */
export function windowsOf(length: number, channels: number, stride: number): Windows {
  return { length, channels, size: 2 * stride, stride };
}

export function windowCount({ length, stride }: Windows): number {
  return length / stride;
}

export function windowSize({ size, channels }: Windows): number {
  return size * channels;
}

/** Lines to windows: [rows][length][channels] becomes [rows][windows][size][channels]. */
export function gather(windows: Windows, lines: Float32Array): Float32Array {
  const from = windows.length * windows.channels;
  const to = windowCount(windows) * windowSize(windows);
  const out = new Float32Array((lines.length / from) * to);
  for (let row = 0; row * from < lines.length; row++)
    eachRun(windows, (line, window, count) => {
      const start = row * from + line;
      for (let at = 0; at < count; at++) out[row * to + window + at] = lines[start + at]!;
    });
  return out;
}

/** Windows to lines, where they overlap their sum: the transpose of `gather`. */
export function scatter(windows: Windows, gathered: Float32Array): Float32Array {
  const to = windows.length * windows.channels;
  const from = windowCount(windows) * windowSize(windows);
  const lines = new Float32Array((gathered.length / from) * to);
  for (let row = 0; row * to < lines.length; row++)
    eachRun(windows, (line, window, count) => {
      const start = row * from + window;
      for (let at = 0; at < count; at++) lines[row * to + line + at]! += gathered[start + at]!;
    });
  return lines;
}

/** The part of each window that lies within the line: first entry in the line, in the windows, and how many. */
function eachRun(windows: Windows, visit: (line: number, window: number, count: number) => void): void {
  const { length, channels, size, stride } = windows;
  const edge = (size - stride) / 2;
  for (let window = 0; window < windowCount(windows); window++) {
    const first = window * stride - edge;
    const [low, high] = [Math.max(0, first), Math.min(length, first + size)];
    visit(low * channels, (window * size + low - first) * channels, (high - low) * channels);
  }
}
