import { percent } from './view.js';

/** What `demo --json` prints as its last line. Field names are an interface: add, never rename. */
export interface DemoResult {
  /** Share of the test rows, 0 to 1. */
  readonly accuracy: number;
  readonly accuracyCentral: number;
  readonly accuracyMajority: number;
  /** Closed ones. */
  readonly rounds: number;
  /** The most that a device spent of it; null: no noise. */
  readonly epsilon: number | null;
  readonly delta: number | null;
  readonly devices: number;
  readonly validators: number;
  readonly blacklisted: readonly string[];
  readonly poisoned: readonly string[];
  readonly blocks: number;
  readonly transactions: number;
  readonly finalityMsP50: number;
  readonly finalityMsP95: number;
  /** Mean payload of an update. */
  readonly updateBytes: number;
  readonly seconds: number;
  /** True only if the offline replay passed. */
  readonly verified: boolean;
  readonly export: string;
  readonly genesis: string;
}

/** What the table says beside the result. */
export interface TableNotes {
  readonly testRows: number;
  readonly trainRows: number;
  readonly roundsAsked: number;
  readonly epsilonBound: number | null;
  readonly qualified: number;
  readonly refused: number;
  /** Why the run does not count; empty: all held. */
  readonly failures: readonly string[];
}

/** The short table at the end of a demo, one fact a line. Pure. */
export function formatTable(result: DemoResult, notes: TableNotes): string {
  const rows: [string, string][] = [
    [`accuracy on ${notes.testRows} test rows`, percent(result.accuracy)],
    ['  always the more frequent class', percent(result.accuracyMajority)],
    ['  same model, trained in one place', percent(result.accuracyCentral)],
    ['privacy of a record', privacy(result, notes)],
    ['rounds', `${result.rounds} of ${notes.roundsAsked} closed`],
    ['updates', `${notes.qualified} qualified, ${notes.refused} refused`],
    ['blacklisted', names(result.blacklisted, result.devices)],
    ...found(result),
    ['chain', `${result.blocks} blocks, ${result.transactions} transactions`],
    [
      'final after',
      `${Math.round(result.finalityMsP50)} ms (p50), ${Math.round(result.finalityMsP95)} ms (p95)`,
    ],
    ['an update weighs', `${Math.round(result.updateBytes)} bytes`],
    ['the whole run took', `${result.seconds.toFixed(1)} s`],
    ['offline replay', result.verified ? 'passed' : 'FAILED'],
  ];
  const labelColumns = Math.max(...rows.map(([label]) => label.length)) + 3;
  const table = rows.map(([label, value]) => `  ${label.padEnd(labelColumns)}${value}`);
  return [...table, ...notes.failures.map((failure) => `  FAILED: ${failure}`)].join('\n');
}

function privacy({ epsilon, delta }: DemoResult, { epsilonBound }: TableNotes): string {
  if (epsilon === null || delta === null) return 'none: the data was declared public';
  return `ε = ${epsilon.toFixed(2)} of at most ${epsilonBound}, δ = ${delta}`;
}

/** With poisoned devices: how many of them, and of the honest ones, the chain has blacklisted. */
function found({ blacklisted, poisoned, devices }: DemoResult): [string, string][] {
  if (poisoned.length === 0) return [];
  const caught = poisoned.filter((name) => blacklisted.includes(name)).length;
  return [
    ['  of the poisoned devices', `${caught} of ${poisoned.length}`],
    ['  of the honest ones', `${blacklisted.length - caught} of ${devices - poisoned.length}`],
  ];
}

function names(list: readonly string[], of: number): string {
  return list.length === 0 ? 'none' : `${list.length} of ${of}: ${list.join(', ')}`;
}
