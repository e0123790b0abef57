/** What the demo shows of a run, at one moment. Numbers that are not known yet are null. */
export interface ViewState {
  /** What is going on, in a few words: "starting 4 validators". */
  readonly phase: string;
  readonly seconds: number;
  readonly hospitals: number;
  readonly devices: number;
  /** Closed rounds of all. */
  readonly round: number;
  readonly rounds: number;
  /** Test accuracy after each closed round, 0 to 1. */
  readonly accuracies: readonly number[];
  readonly accuracyMajority: number | null;
  readonly accuracyCentral: number | null;
  /** null: the task has no privacy budget. */
  readonly epsilon: number | null;
  readonly epsilonSpent: number;
  /** Over all rounds. */
  readonly qualified: number;
  readonly refused: number;
  readonly blacklisted: readonly string[];
  readonly height: number;
  readonly finalityMsP50: number | null;
  readonly finalityMsP95: number | null;
  readonly validatorsUp: number;
}

export interface ViewOptions {
  /** Columns of the terminal; no line is longer. */
  readonly width: number;
  readonly color: boolean;
}

const BAR_COLUMNS = 40;
const LABEL_COLUMNS = 12;
const LEVELS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

type Style = 'bold' | 'dim' | 'good' | 'bad' | 'plain';
const CODES: Readonly<Record<Style, string>> = { bold: '1', dim: '2', good: '32', bad: '31', plain: '' };

interface Span {
  readonly text: string;
  readonly style: Style;
}

/**
 * The live view as lines joined by "\n": always the same number of lines, none longer than `width` columns, so
 * that it can be drawn over itself. Pure; without `color` there is no escape sequence in it.
 */
export function renderView(state: ViewState, options: ViewOptions): string {
  const bar = Math.max(8, Math.min(BAR_COLUMNS, options.width - LABEL_COLUMNS - 28));
  return [
    headline(state),
    line('round', [...meter(state.round, state.rounds, bar), plain(`  ${state.round} of ${state.rounds}`)]),
    line('accuracy', accuracy(state, bar)),
    line('ε spent', epsilon(state, bar)),
    line('updates', updates(state)),
    line('chain', chain(state)),
    line('validators', validators(state)),
  ]
    .map((spans) => paint(spans, options))
    .join('\n');
}

/** How tall renderView's result is. */
export const VIEW_LINES = 7;

/** One character a value, the last `columns` values, scaled between their least and greatest. */
export function sparkline(values: readonly number[], columns: number): string {
  const shown = values.slice(-columns);
  const low = Math.min(...shown);
  const high = Math.max(...shown);
  const span = high - low;
  const level = (value: number): number =>
    span === 0 ? 0 : Math.round(((value - low) / span) * (LEVELS.length - 1));
  return shown.map((value) => LEVELS[level(value)]).join('');
}

/** 0.7619 as "76.2 %". */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** 83.4 seconds as "1:23". */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

function headline({ phase, seconds, hospitals, devices, epsilon: bound }: ViewState): Span[] {
  const size = `${hospitals} hospitals, ${devices} devices, ${bound === null ? 'no noise' : `ε ≤ ${bound}`}`;
  return [styled('bold', 'Consilium'), plain(`  ${size}  `), styled('dim', `${clock(seconds)}  ${phase}`)];
}

function accuracy({ accuracies, accuracyMajority, accuracyCentral }: ViewState, columns: number): Span[] {
  const last = accuracies.at(-1);
  const beside = [
    accuracyMajority === null ? null : `majority ${percent(accuracyMajority)}`,
    accuracyCentral === null ? null : `central ${percent(accuracyCentral)}`,
  ].filter((text) => text !== null);
  return [
    styled('good', sparkline(accuracies, columns).padEnd(columns)),
    plain(`  ${last === undefined ? 'after round 1' : percent(last)}`),
    styled('dim', beside.length === 0 ? '' : `  (${beside.join(', ')})`),
  ];
}

function epsilon({ epsilon: bound, epsilonSpent }: ViewState, columns: number): Span[] {
  if (bound === null) return [styled('dim', 'no noise: only for data declared public')];
  return [...meter(epsilonSpent, bound, columns), plain(`  ${epsilonSpent.toFixed(2)} of ${bound}`)];
}

function updates({ qualified, refused, blacklisted }: ViewState): Span[] {
  const names = blacklisted.length === 0 ? 'none' : `${blacklisted.length} (${blacklisted.join(', ')})`;
  return [
    plain(`${qualified} qualified, `),
    styled(refused === 0 ? 'plain' : 'bad', `${refused} refused`),
    plain(', blacklisted: '),
    styled(blacklisted.length === 0 ? 'plain' : 'bad', names),
  ];
}

function chain({ height, finalityMsP50, finalityMsP95 }: ViewState): Span[] {
  const finality =
    finalityMsP50 === null || finalityMsP95 === null
      ? ''
      : `, final after ${Math.round(finalityMsP50)} ms (p50), ${Math.round(finalityMsP95)} ms (p95)`;
  return [plain(`height ${height}${finality}`)];
}

function validators({ validatorsUp, hospitals }: ViewState): Span[] {
  const down = hospitals - validatorsUp;
  const text = `${validatorsUp} of ${hospitals} up`;
  return hospitals > 16
    ? [plain(text)]
    : [
        styled('good', '● '.repeat(validatorsUp)),
        styled('bad', '○ '.repeat(down)),
        styled(down === 0 ? 'plain' : 'bad', text),
      ];
}

function meter(value: number, of: number, columns: number): Span[] {
  const full = fullOf(value, of, columns);
  return [styled('good', '█'.repeat(full)), styled('dim', '░'.repeat(columns - full))];
}

/** A progress bar of so many characters, without colours. */
export function bar(value: number, of: number, columns = BAR_COLUMNS): string {
  return '█'.repeat(fullOf(value, of, columns)).padEnd(columns, '░');
}

function fullOf(value: number, of: number, columns: number): number {
  return of <= 0 ? 0 : Math.max(0, Math.min(columns, Math.round((value / of) * columns)));
}

function line(label: string, spans: readonly Span[]): Span[] {
  return [styled('dim', label.padEnd(LABEL_COLUMNS)), ...spans];
}

function plain(text: string): Span {
  return { text, style: 'plain' };
}

function styled(style: Style, text: string): Span {
  return { text, style };
}

/** Cuts at the width first and colours then: an escape sequence takes no column. */
function paint(spans: readonly Span[], { width, color }: ViewOptions): string {
  let left = width;
  let painted = '';
  for (const { text, style } of spans) {
    const shown = [...text].slice(0, left).join('');
    left -= [...shown].length;
    painted += color && style !== 'plain' && shown !== '' ? `\x1b[${CODES[style]}m${shown}\x1b[0m` : shown;
  }
  return painted;
}
