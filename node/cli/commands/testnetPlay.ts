import type { Command } from 'commander';
import { readBounded } from '../../config.js';
import { interrupt } from '../interrupt.js';
import type { Io } from '../io.js';

/** `consilium testnet play`: a scenario of sentences, on a network of its own. */
export function addPlay(testnet: Command, io: Io): void {
  testnet
    .command('play')
    .argument('<file>', 'the scenario')
    .description('play a scenario: a network of its own, faults, and what is expected of it')
    .addHelpText('after', () => EXAMPLE)
    .action((file: string, _, self: Command) => play(file, self.optsWithGlobals().json === true, io));
}

const EXAMPLE = `
A scenario is a text file with a sentence a line (docs/reference/scenarios.md has them all):
  network of 4 hospitals with 2 devices each
  publish the demo task with 5 rounds
  kill hospital-3
  expect round 3 of task 1 within 120 s
  start hospital-3
  expect all at one height within 30 s
  expect no fork
  expect the chain to hold`;

async function play(file: string, json: boolean, io: Io): Promise<void> {
  const [{ parseScenario }, { playScenario }] = await Promise.all([
    import('../scenario/parse.js'),
    import('../scenario/play.js'),
  ]);
  const steps = parseScenario(readBounded(file));
  const { signal, ignore } = interrupt();
  try {
    await playScenario(file, steps, signal, (played) => {
      if (json) io.out(JSON.stringify(played));
      else io.out(`✓ ${String(played.line).padStart(3)}  ${played.text}  (${played.seconds.toFixed(1)} s)`);
    });
    if (!json) io.out(`All ${steps.length} sentences held.`);
  } finally {
    ignore();
  }
}
