import { meanAndDeviation } from '../study/mean.js';
import { errorBar, LEFT, labelOf, layOut, mark, page, px, RIGHT } from './page.js';
import type { BarPlot, LinePlot, Plot } from './plot.js';
import { type Scale, scaleOf } from './scale.js';

const SERIES_MAX = 6;

/** A plot as an SVG file: small, plain, the same bytes for the same data. */
export function draw(plot: Plot): string {
  return plot.kind === 'lines' ? drawLines(plot) : drawBars(plot);
}

interface Spread {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

function spreadOf(values: readonly number[]): Spread {
  const { mean, deviation } = meanAndDeviation(values);
  return { mean, low: mean - deviation, high: mean + deviation };
}

function drawLines(plot: LinePlot): string {
  if (plot.curves.length === 0 || plot.curves.length > SERIES_MAX) throw new Error('one to six curves');
  const curves = plot.curves.map(({ dashed, points }) => ({
    dashed: dashed === true,
    points: points.map(({ x, values }) => ({ x, ...spreadOf(values), single: values.length < 2 })),
  }));
  const layout = layOut(plot.curves);
  const points = curves.flatMap((curve) => curve.points);
  const xs = scaleOf(
    plot.x,
    points.map(({ x }) => x),
    LEFT + 12,
    RIGHT - 8,
  );
  const shown = curves.flatMap(({ dashed, points }) =>
    points.flatMap(({ mean, low, high }) => (dashed ? [mean] : [low, high])),
  );
  const logged = plot.y.scale === 'log' ? shown.filter((value) => value > 0) : shown;
  const ys = scaleOf(plot.y, logged, layout.bottom, layout.top);
  const least = plot.y.scale === 'log' ? Math.min(...logged) : Number.NEGATIVE_INFINITY;
  const drawn = curves.flatMap(({ dashed, points }, index) => {
    const path = points.map(({ x, mean }, at) => `${at === 0 ? 'M' : 'L'}${px(xs.at(x))} ${px(ys.at(mean))}`);
    // Curves of one x lie side by side, so that their error bars can be told apart.
    const aside = 2.5 * (index - (curves.length - 1) / 2);
    return [
      `<path class="line${dashed ? ' dashed' : ''} c${index}" d="${path.join('')}"/>`,
      ...(dashed
        ? []
        : points.flatMap(({ x, mean, low, high, single }) => [
            ...(single ? [] : [errorBar(index, xs.at(x) + aside, ys.at(Math.max(least, low)), ys.at(high))]),
            mark(index, xs.at(x), ys.at(mean), 'lines'),
          ])),
    ];
  });
  return page(plot, layout, { ...xs, label: labelOf(plot.x) }, ys, drawn);
}

function drawBars(plot: BarPlot): string {
  const { groups, series } = plot;
  if (series.length === 0 || series.length > SERIES_MAX) throw new Error('one to six series of bars');
  if (plot.y.scale === 'log') throw new Error('bars begin at the foot of a linear axis');
  const layout = layOut(series.length === 1 ? [] : series);
  const bars = series.map(({ bars }) => bars.map(spreadOf));
  const values = bars
    .flatMap((one) => one.flatMap(({ low, high }) => [low, high]))
    .filter((value) => !Number.isNaN(value));
  const ys = scaleOf({ from: Math.min(0, ...values), ...plot.y }, values, layout.bottom, layout.top);
  const foot = ys.at(Math.max(plot.y.from ?? 0, Math.min(0, ...values)));
  const group = (RIGHT - LEFT) / groups.length;
  const width = Math.min(40, (0.8 * group) / series.length);
  const xs: Scale = {
    at: (at) => LEFT + (at + 0.5) * group,
    ticks: groups.map((text, at) => ({ at: LEFT + (at + 0.5) * group, text })),
  };
  const drawn = bars.flatMap((one, index) =>
    one.flatMap(({ mean, low, high }, at) => {
      if (series[index]!.bars[at]!.length === 0) return [];
      const left = xs.at(at) + (index - series.length / 2) * width;
      const [y, end] = [Math.min(foot, ys.at(mean)), Math.max(foot, ys.at(mean))];
      const several = series[index]!.bars[at]!.length > 1;
      const middle = px(left + width / 2);
      return [
        `<rect class="fill c${index}" x="${px(left + 1)}" y="${px(y)}" width="${px(width - 2)}" height="${px(end - y)}"/>`,
        ...(several ? [`<path class="bar-error" d="M${middle} ${px(ys.at(low))}V${px(ys.at(high))}"/>`] : []),
      ];
    }),
  );
  return page(plot, layout, { ...xs, label: '' }, ys, drawn);
}
