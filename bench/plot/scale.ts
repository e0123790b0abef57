import type { Axis } from './plot.js';

/** From numbers to places on the page, with the ticks that the axis shows. */
export interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
}

/** The axis from the page's `start` to its `end` (px, either may be the larger) that holds all the values. */
export function scaleOf(axis: Axis, values: readonly number[], start: number, end: number): Scale {
  const finite = values.filter(Number.isFinite);
  const low = axis.from ?? Math.min(...finite);
  const high = axis.to ?? Math.max(...finite);
  return axis.scale === 'log' ? logarithmic(low, high, start, end) : linear(axis, low, high, start, end);
}

const TICKS = 6;

function linear(axis: Axis, low: number, high: number, start: number, end: number): Scale {
  const span = high > low ? high - low : Math.max(1, Math.abs(low));
  const step = niceStep(span / TICKS);
  const from = axis.from ?? Math.floor(low / step) * step;
  const to = axis.to ?? Math.max(from + step, Math.ceil(high / step) * step);
  const at = (value: number) => start + ((value - from) / (to - from)) * (end - start);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const count = Math.floor((to - from) / step + 1e-9) + 1;
  const first = Math.ceil(from / step - 1e-9);
  return {
    at,
    ticks: Array.from({ length: count }, (_, index) => (first + index) * step)
      .filter((value) => value <= to + 1e-9 * step)
      .map((value) => ({ at: at(value), text: textOf(value, digits) })),
  };
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5].find((factor) => factor * power >= least * (1 - 1e-9)) ?? 10);
}

function logarithmic(low: number, high: number, start: number, end: number): Scale {
  if (!(low > 0)) throw new Error('a logarithmic axis wants numbers above zero');
  const from = Math.log10(low) - 0.05;
  const to = Math.max(from + 0.1, Math.log10(high) + 0.05);
  const at = (value: number) => start + ((Math.log10(value) - from) / (to - from)) * (end - start);
  const factors = to - from > 3 ? [1] : to - from > 1.2 ? [1, 3] : [1, 2, 3, 5, 7];
  const ticks: { at: number; text: string }[] = [];
  for (let power = Math.floor(from); power <= to; power++)
    for (const factor of factors) {
      const value = factor * 10 ** power;
      const place = Math.log10(value);
      if (place >= from - 1e-9 && place <= to + 1e-9)
        ticks.push({ at: at(value), text: textOf(value, Math.max(0, -power)) });
    }
  return { at, ticks };
}

function textOf(value: number, digits: number): string {
  const text = Math.abs(value) < 1e6 ? value.toFixed(digits) : value.toExponential(0).replace('e+', 'e');
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text;
}
