import { percent, renderView, VIEW_LINES, type ViewState } from './view.js';

/** Where the demo shows what goes on. `update` may be called as often as one likes. */
export interface Display {
  update(patch: Partial<ViewState>): void;
  /** Leaves the last picture standing; nothing is drawn after that. */
  close(): void;
}

export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const REDRAW_MS = 200;
const COLUMNS_DEFAULT = 80;

/** How many characters fit a line, two at least. A terminal that was never told its size says 0. */
export function columnsOf({ columns = 0 }: Screen): number {
  return Math.max(2, columns === 0 ? COLUMNS_DEFAULT : columns);
}

/** Colours only on a terminal, and not if NO_COLOR is set to anything (no-color.org). */
export function wantsColor(screen: Screen, env: NodeJS.ProcessEnv): boolean {
  return screen.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}

/**
 * On a terminal one picture that is drawn over itself; elsewhere one line a phase and one a closed round.
 * `now` gives seconds since the run began.
 */
export function createDisplay(
  screen: Screen,
  first: ViewState,
  now: () => number,
  env: NodeJS.ProcessEnv,
): Display {
  if (screen.isTTY !== true || env.TERM === 'dumb') return createLines(screen, first, now);
  const color = wantsColor(screen, env);
  let state = first;
  let drawn = false;
  const draw = (): void => {
    const width = columnsOf(screen) - 1;
    const view = renderView({ ...state, seconds: now() }, { width, color });
    const lines = view.split('\n').map((line) => `\x1b[2K${line}\n`);
    screen.write(`${drawn ? `\x1b[${VIEW_LINES}A` : '\n'}${lines.join('')}`);
    drawn = true;
  };
  draw();
  const timer = setInterval(draw, REDRAW_MS);
  timer.unref();
  return {
    update: (patch) => {
      state = { ...state, ...patch };
    },
    close: () => {
      clearInterval(timer);
      draw();
    },
  };
}

function createLines(screen: Screen, first: ViewState, now: () => number): Display {
  let state = first;
  const say = (text: string): void => {
    screen.write(`[${now().toFixed(1).padStart(6)} s] ${text}\n`);
  };
  say(state.phase);
  return {
    update: (patch) => {
      const before = state;
      state = { ...state, ...patch };
      if (state.phase !== before.phase) say(state.phase);
      if (state.round !== before.round) say(roundLine(state));
    },
    close: () => {},
  };
}

/** One closed round in one line. Pure. */
export function roundLine(state: ViewState): string {
  const accuracy = state.accuracies.at(-1);
  return [
    `round ${state.round} of ${state.rounds}`,
    accuracy === undefined ? null : `test accuracy ${percent(accuracy)}`,
    state.epsilon === null ? 'no noise' : `ε ${state.epsilonSpent.toFixed(2)} of ${state.epsilon}`,
    `updates ${state.qualified} qualified, ${state.refused} refused`,
    state.blacklisted.length === 0 ? null : `blacklisted ${state.blacklisted.length}`,
    `height ${state.height}`,
    state.finalityMsP50 === null ? null : `final after ${Math.round(state.finalityMsP50)} ms`,
    `${state.validatorsUp} of ${state.hospitals} validators up`,
  ]
    .filter((part) => part !== null)
    .join(', ');
}
