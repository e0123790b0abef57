import type { Axis, Plot } from './plot.js';
import type { Scale } from './scale.js';

/** px. */
export const WIDTH = 720;
const TITLE = 30;
const LEGEND_LINE = 20;
const AREA = 300;
export const LEFT = 62;
export const RIGHT = WIDTH - 18;

/** Where a plot's area lies, once its legend is known. */
export interface Layout {
  readonly top: number;
  readonly bottom: number;
  readonly legend: readonly Entry[];
}

interface Entry {
  readonly name: string;
  readonly dashed: boolean;
  readonly x: number;
  readonly y: number;
}

/** The legend above the area, in as many lines as its names need. */
export function layOut(names: readonly { readonly name: string; readonly dashed?: true }[]): Layout {
  let [x, y] = [LEFT, TITLE + 14];
  const legend = names.map(({ name, dashed }): Entry => {
    const width = 34 + 6.6 * name.length;
    if (x > LEFT && x + width > RIGHT) [x, y] = [LEFT, y + LEGEND_LINE];
    const entry = { name, dashed: dashed === true, x, y };
    x += width + 10;
    return entry;
  });
  const top = y + LEGEND_LINE;
  return { top, bottom: top + AREA, legend };
}

/**
 * The whole picture: background, title, legend, axes with units, then what is drawn. It brings its own background, so
 * that it can be read wherever it is shown, and turns dark where the reader's system is dark.
 */
export function page(
  plot: Plot,
  { top, bottom, legend }: Layout,
  x: Scale & { readonly label: string },
  y: Scale,
  drawn: readonly string[],
): string {
  const height = bottom + (x.label === '' ? 34 : 52);
  const middle = (top + bottom) / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(plot.title)}">`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}" rx="6"/>`,
    `<text class="title" x="${LEFT}" y="22">${escaped(plot.title)}</text>`,
    ...legend.flatMap((entry, index) => [
      entry.dashed
        ? `<path class="line dashed c${index}" d="M${px(entry.x)} ${entry.y - 4}h22"/>`
        : mark(index, entry.x + 11, entry.y - 4, plot.kind),
      `<text x="${px(entry.x + 28)}" y="${entry.y}">${escaped(entry.name)}</text>`,
    ]),
    ...y.ticks.flatMap(({ at, text }) => [
      `<path class="grid" d="M${LEFT} ${px(at)}H${RIGHT}"/>`,
      `<text class="end" x="${LEFT - 7}" y="${px(at + 4)}">${text}</text>`,
    ]),
    `<text class="middle" transform="translate(15 ${px(middle)}) rotate(-90)">${escaped(labelOf(plot.y))}</text>`,
    `<path class="axis" d="M${LEFT} ${top}V${bottom}H${RIGHT}"/>`,
    ...x.ticks.map(
      ({ at, text }) => `<text class="middle" x="${px(at)}" y="${bottom + 18}">${escaped(text)}</text>`,
    ),
    ...(x.label === ''
      ? []
      : [`<text class="middle" x="${px((LEFT + RIGHT) / 2)}" y="${bottom + 40}">${escaped(x.label)}</text>`]),
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

export function labelOf({ label, scale }: Axis): string {
  return scale === 'log' ? `${label} (logarithmic)` : label;
}

/** The mark of the n-th series: told apart by shape as well as by colour. */
export function mark(index: number, x: number, y: number, kind: Plot['kind']): string {
  if (kind === 'bars')
    return `<rect class="fill c${index}" x="${px(x - 8)}" y="${px(y - 6)}" width="16" height="12"/>`;
  const place = `transform="translate(${px(x)} ${px(y)})"`;
  return `<path class="fill c${index}" ${place} d="${SHAPES[index % SHAPES.length]}"/>`;
}

const SHAPES = [
  'M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z',
  'M-3.5 -3.5h7v7h-7z',
  'M0 -4.5L4.5 3.5H-4.5z',
  'M0 -5L5 0L0 5L-5 0z',
  'M-1.5 -4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z',
  'M0 4.5L4.5 -3.5H-4.5z',
];

/** A mean with the bar of its deviation; nothing for a single value. */
export function errorBar(index: number, x: number, low: number, high: number): string {
  return `<path class="error c${index}" d="M${px(x)} ${px(low)}V${px(high)}M${px(x - 4)} ${px(low)}h8M${px(x - 4)} ${px(high)}h8"/>`;
}

export function px(value: number): string {
  const text = value.toFixed(1);
  return text.endsWith('.0') ? text.slice(0, -2) : text;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

const COLOURS = {
  light: ['#0067a6', '#c44e00', '#00795a', '#8a3f8f', '#57606a', '#8f6a00'],
  dark: ['#58b4f0', '#ff8f4d', '#3ecf9f', '#d894dd', '#a9b3be', '#e0b83f'],
};

function coloured(colours: readonly string[]): string {
  return colours.map((colour, index) => `.c${index}{stroke:${colour};fill:${colour}}`).join('');
}

const STYLE = [
  'text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-weight:600}.middle{text-anchor:middle}.end{text-anchor:end}',
  '.page{fill:#fff}.grid{stroke:#d8dee4}.axis{stroke:#57606a;fill:none}',
  coloured(COLOURS.light),
  '.line,.error{fill:none}.line{stroke-width:2}.error{stroke-width:1.2}.dashed{stroke-dasharray:6 4}.fill{stroke:none}',
  '.bar-error{stroke:#24292f;stroke-width:1.2;fill:none}',
  '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.page{fill:#161b22}.grid{stroke:#30363d}.axis{stroke:#8b949e}.bar-error{stroke:#e6edf3}',
  coloured(COLOURS.dark),
  '.line,.error{fill:none}.fill{stroke:none}}',
].join('');
