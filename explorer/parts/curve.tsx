import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export interface Line {
  readonly name: string;
  /** One a point of x; null: none there. */
  readonly values: readonly (number | null)[];
}

const HEIGHT = 220;
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

/** Curves over a common x, in the colours of the page. */
export function Curve({
  x,
  lines,
  label,
  xName,
}: {
  readonly x: readonly number[];
  readonly lines: readonly Line[];
  /** For who can't see it. */
  readonly label: string;
  readonly xName: string;
}) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const names = lines.map(({ name }) => name).join('\n');
  useEffect(() => {
    const box = place.current!;
    const colour = (name: string) => getComputedStyle(box).getPropertyValue(name).trim();
    const axis = {
      stroke: colour('--muted'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { stroke: colour('--line') },
    };
    plot.current = new uPlot(
      {
        width: Math.max(240, box.clientWidth),
        height: HEIGHT,
        scales: { x: { time: false } },
        legend: { show: lines.length > 1 },
        cursor: { drag: { x: false, y: false } },
        axes: [
          { ...axis, label: xName, labelSize: 18, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
          axis,
        ],
        series: [
          { label: xName },
          ...lines.map(({ name }, index) => ({
            label: name,
            stroke: colour(`--series-${index % 6}`),
            dash: [...DASHES[Math.floor(index / 6) % DASHES.length]!],
            width: 2,
            points: { show: x.length < 40 },
          })),
        ],
      },
      data(x, lines),
      box,
    );
    const sized = new ResizeObserver(() =>
      plot.current?.setSize({ width: Math.max(240, box.clientWidth), height: HEIGHT }),
    );
    sized.observe(box);
    return () => {
      sized.disconnect();
      plot.current?.destroy();
    };
  }, [names]);
  useEffect(() => plot.current?.setData(data(x, lines)), [x, lines]);
  return <div class="curve" ref={place} role="img" aria-label={label} />;
}

function data(x: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [[...x], ...lines.map(({ values }) => [...values])] as uPlot.AlignedData;
}
