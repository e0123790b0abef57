import { describe, expect, it } from 'vitest';
import { createDisplay, type Screen, wantsColor } from '../../../../node/cli/demo/display.js';
import { type DemoResult, formatTable, type TableNotes } from '../../../../node/cli/demo/result.js';
import { VIEW_LINES, type ViewState } from '../../../../node/cli/demo/view.js';

const first: ViewState = {
  phase: 'reading the data',
  seconds: 0,
  hospitals: 4,
  devices: 20,
  round: 0,
  rounds: 30,
  accuracies: [],
  accuracyMajority: null,
  accuracyCentral: null,
  epsilon: 3,
  epsilonSpent: 0,
  qualified: 0,
  refused: 0,
  blacklisted: [],
  height: 0,
  finalityMsP50: null,
  finalityMsP95: null,
  validatorsUp: 0,
};

function screen(isTTY: boolean): Screen & { text: string } {
  const written = {
    text: '',
    isTTY,
    columns: 100,
    write: (text: string) => {
      written.text += text;
    },
  };
  return written;
}

describe('off a terminal', () => {
  it('writes one line a phase and one a closed round, and no escape sequence', () => {
    const target = screen(false);
    const display = createDisplay(target, first, () => 1.5, {});
    display.update({ phase: 'training' });
    display.update({ height: 5, validatorsUp: 4 });
    display.update({ round: 1, accuracies: [0.7], qualified: 20, epsilonSpent: 0.5 });
    display.update({ height: 6 });
    display.update({ round: 2, accuracies: [0.7, 0.72] });
    display.close();
    const lines = target.text.trimEnd().split('\n');
    expect(lines.length).toBe(4);
    expect(lines[2]).toMatch(/round 1 of 30.*70\.0 %.*ε 0\.50 of 3.*20 qualified.*4 of 4 validators/);
    expect(lines[3]).toContain('round 2 of 30');
    expect(target.text).not.toContain('\x1b');
  });

  it('does so, too, on a terminal that cannot do more', () => {
    const target = screen(true);
    createDisplay(target, first, () => 0, { TERM: 'dumb' }).close();
    expect(target.text).not.toContain('\x1b');
  });
});

describe('on a terminal', () => {
  it('draws one picture over itself', () => {
    const target = screen(true);
    const display = createDisplay(target, first, () => 0, {});
    display.update({ round: 7 });
    display.close();
    const up = `\x1b[${VIEW_LINES}A`;
    expect(target.text.split(up).length).toBe(2);
    // Every picture has as many lines as the cursor goes up.
    expect(target.text.split(up)[1]!.split('\n').length - 1).toBe(VIEW_LINES);
    expect(target.text.split(up)[1]).toContain('7 of 30');
  });
});

describe('wantsColor', () => {
  it('needs a terminal, and obeys NO_COLOR if it is not empty', () => {
    expect(wantsColor(screen(true), {})).toBe(true);
    expect(wantsColor(screen(true), { NO_COLOR: '' })).toBe(true);
    expect(wantsColor(screen(true), { NO_COLOR: '1' })).toBe(false);
    expect(wantsColor(screen(true), { TERM: 'dumb' })).toBe(false);
    expect(wantsColor(screen(false), {})).toBe(false);
  });

  it('also in what is drawn', () => {
    const target = screen(true);
    createDisplay(target, first, () => 0, { NO_COLOR: '1' }).close();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
    expect(target.text).not.toMatch(/\x1b\[\d*m/);
  });
});

describe('formatTable', () => {
  const result: DemoResult = {
    accuracy: 0.762,
    accuracyCentral: 0.775,
    accuracyMajority: 0.654,
    rounds: 30,
    epsilon: 2.999991,
    delta: 1e-4,
    devices: 20,
    validators: 4,
    blacklisted: ['hospital-1-device-2'],
    poisoned: [],
    blocks: 74,
    transactions: 641,
    finalityMsP50: 92.4,
    finalityMsP95: 180.2,
    updateBytes: 13.4,
    seconds: 41.26,
    verified: true,
    export: '/x/chain.car',
    genesis: '/x/genesis.json',
  };
  const notes: TableNotes = {
    testRows: 231,
    trainRows: 537,
    roundsAsked: 30,
    epsilonBound: 3,
    qualified: 598,
    refused: 2,
    failures: [],
  };

  it('shows every figure of the issue', () => {
    const table = formatTable(result, notes);
    for (const fact of [/76\.2 %/, /65\.4 %/, /77\.5 %/, /ε = 3\.00 of at most 3, δ = 0\.0001/, /30 of 30/]) {
      expect(table).toMatch(fact);
    }
    for (const fact of [
      /74 blocks, 641 transactions/,
      /92 ms \(p50\), 180 ms \(p95\)/,
      /13 bytes/,
      /41\.3 s/,
    ]) {
      expect(table).toMatch(fact);
    }
    expect(table).toMatch(/offline replay +passed/);
    expect(table).toMatch(/blacklisted +1 of 20: hospital-1-device-2/);
    expect(table).not.toContain('FAILED');
  });

  it('says how many of the poisoned and of the honest devices were found', () => {
    const table = formatTable({ ...result, poisoned: ['hospital-1-device-2', 'hospital-4-device-1'] }, notes);
    expect(table).toMatch(/of the poisoned devices +1 of 2\n/);
    expect(table).toMatch(/of the honest ones +0 of 18\n/);
  });

  it('says what failed', () => {
    const table = formatTable(
      { ...result, verified: false },
      { ...notes, failures: ['hospital-2 has another block'] },
    );
    expect(table).toMatch(/offline replay +FAILED/);
    expect(table).toContain('FAILED: hospital-2 has another block');
  });

  it('says that data without a budget was declared public', () => {
    expect(formatTable({ ...result, epsilon: null, delta: null }, notes)).toContain('declared public');
  });
});
