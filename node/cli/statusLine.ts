import { columnsOf } from './demo/display.js';
import { type Io, printable } from './io.js';

/** What goes on, in one line that the next one takes the place of. */
export interface StatusLine {
  /** On a terminal it is drawn over itself; elsewhere each line is a remark of its own. */
  readonly isDrawn: boolean;
  show(text: string): void;
  /** Takes the line away: what is written next begins where it was. */
  close(): void;
}

/** With `json` nothing is drawn: a program reads along. */
export function createStatusLine({ screen, note, env }: Io, json: boolean): StatusLine {
  const isDrawn = screen.isTTY === true && env.TERM !== 'dumb' && !json;
  let dirty = false;
  return {
    isDrawn,
    show: (text) => {
      if (!isDrawn) return note(text);
      dirty = true;
      screen.write(`\r\x1b[2K${printable(text).slice(0, columnsOf(screen) - 1)}`);
    },
    close: () => {
      if (dirty) screen.write('\r\x1b[2K');
      dirty = false;
    },
  };
}
