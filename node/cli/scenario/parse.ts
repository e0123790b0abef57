import { CliError } from '../failure.js';
import { type Sentence, sentences } from './sentences.js';

export interface Step {
  /** Of the file, from 1. */
  readonly line: number;
  readonly text: string;
  readonly sentence: Sentence;
  readonly words: Readonly<Record<string, string>>;
}

const LINES_MAX = 1_000;

/** A scenario's text as steps: a sentence a line, # begins a comment. Throws CliError "bad-config" with the line. Pure. */
export function parseScenario(text: string): readonly Step[] {
  const lines = text.split('\n');
  if (lines.length > LINES_MAX) throw new CliError('bad-config', `a scenario has at most ${LINES_MAX} lines`);
  const steps = lines.flatMap((raw, index): Step[] => {
    const said = raw.replace(/#.*$/, '').trim().replace(/\s+/g, ' ');
    return said === '' ? [] : [stepOf(said, index + 1)];
  });
  if (steps.length === 0) throw new CliError('bad-config', 'the scenario is empty', HINT);
  return steps;
}

function stepOf(text: string, line: number): Step {
  for (const sentence of sentences) {
    const match = sentence.pattern.exec(text);
    if (match !== null) return { line, text, sentence, words: { ...match.groups } };
  }
  throw new CliError('bad-config', `line ${line}: “${text}” is no sentence of a scenario`, HINT);
}

const HINT = `sentences look like these:\n    ${sentences.map(({ example }) => example).join('\n    ')}`;
