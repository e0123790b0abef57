import { draw } from '../plot/draw.js';
import type { Row } from '../row.js';
import { meanAndDeviation } from '../study/mean.js';
import type { Kept } from './kept.js';
import type { Cell, Table } from './section.js';

/** The document and its pictures: text by the path under docs/. */
export type Files = ReadonlyMap<string, string>;

/**
 * docs/results.md and docs/results/*.svg, from what is kept and from nothing else.
 *
 * `order` names the sections in their order; what is kept of a section that is no more is a mistake. `notes` are the
 * texts of docs/results/NAME.notes.md, by section.
 */
export function documentOf(
  kept: ReadonlyMap<string, Kept>,
  order: readonly string[],
  notes: ReadonlyMap<string, string>,
): Files {
  for (const name of [...kept.keys(), ...notes.keys()])
    if (!order.includes(name)) throw new Error(`docs/results has ${name}, which is no section`);
  const shown = order.flatMap((name) => kept.get(name) ?? []);
  const pictures = shown.flatMap(({ section, plots }) =>
    plots.map((plot) => [`results/${section}-${plot.id}.svg`, draw(plot)] as const),
  );
  const text = [
    OPENING,
    goalsOf(shown),
    ...shown.map((one) => sectionText(one, notes.get(one.section) ?? null)),
  ].join('\n\n');
  return new Map([['results.md', `${text}\n`], ...pictures]);
}

const OPENING = `# Results

What models learn here, how private and how hard to poison, measured. Everything on this page is made by \`npm run results\` from the files in [results/](results/), which hold every value of every seed with the commit and the machine; \`npm run bench -- learning --only NAME\` measures one section again.

Where a section does not say otherwise: 20 devices; random 70:30 splits, seeds 0 to 19; mean ± standard deviation over the splits; the last model of a task, never its best; whatever was chosen was chosen on seeds 100 to 119, by code that is checked in. Noise is \`local\`: each device's update is private by itself. Accuracy is that on the test part, in per cent.`;

function goalsOf(shown: readonly Kept[]): string {
  const rows = shown.flatMap(({ section, rows }) =>
    rows.filter(({ goal }) => goal !== null).map((row) => ({ section, row })),
  );
  if (rows.length === 0) return 'No section with goals was measured yet.';
  const missed = rows.filter(({ row }) => row.met === false).length;
  const lines = rows.map(({ section, row }) => [
    `[${section}](#${section})`,
    row.name,
    figure(row),
    row.goal!,
    row.met === true ? 'met' : '**not met**',
    row.reference ?? '',
  ]);
  return [
    '## Goals',
    `${rows.length - missed} of ${rows.length} are met. Why the others are not stands in their sections.`,
    table(['section', 'what', 'measured', 'goal', '', 'beside it'], lines),
  ].join('\n\n');
}

function sectionText(one: Kept, notes: string | null): string {
  const { section, title, method, measured, backend, tables, plots, rows } = one;
  const plain = rows.filter(({ goal }) => goal === null);
  return [
    `<a id="${section}"></a>`,
    `## ${title}`,
    ...method,
    ...tables.map(tableText),
    ...(plain.length === 0
      ? []
      : [
          table(
            ['what', 'measured', 'beside it'],
            plain.map((row) => [row.name, figure(row), row.reference ?? '']),
          ),
        ]),
    ...plots.map((plot) => `![${plot.title}](results/${section}-${plot.id}.svg)`),
    ...(notes === null ? [] : [notes.trim()]),
    `<sub>${[
      measured.seeds === null ? null : `Seeds ${measured.seeds[0]} to ${measured.seeds[1]}`,
      backend,
      measured.machine,
      `Node ${measured.node}`,
      `${Math.round(measured.cpuSeconds)} s of CPU`,
      measured.commit === null ? null : `commit ${measured.commit}`,
      `${measured.at.replace('T', ' ').replace('Z', '')} UTC`,
      `[all values](results/${section}.json)`,
    ]
      .filter((part) => part !== null)
      .join(' · ')}</sub>`,
  ].join('\n\n');
}

function figure({ value, unit }: Row): string {
  const size = Math.abs(value);
  const digits = Number.isInteger(value) ? 0 : size < 10 ? 2 : size < 1000 ? 1 : 0;
  return `${value.toFixed(digits)}${unit === '' ? '' : ` ${unit}`}`;
}

function tableText({ title, columns, rows }: Table): string {
  const wrong = rows.find((row) => row.length !== columns.length);
  if (wrong !== undefined) throw new Error(`a row of "${title}" has ${wrong.length} cells`);
  const grid = table(
    columns,
    rows.map((row) => row.map(cellText)),
  );
  return title === '' ? grid : `**${title}**\n\n${grid}`;
}

export function cellText(cell: Cell): string {
  if (typeof cell === 'string') return cell;
  const unit = cell.unit === undefined ? '' : ` ${cell.unit}`;
  if ('value' in cell) return `${cell.value.toFixed(cell.digits)}${unit}`;
  const { mean, deviation } = meanAndDeviation(cell.values);
  const spread = cell.mean === true || cell.values.length < 2 ? '' : ` ± ${deviation.toFixed(cell.digits)}`;
  return `${mean.toFixed(cell.digits)}${spread}${unit}`;
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}
