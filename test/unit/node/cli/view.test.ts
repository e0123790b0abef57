import { describe, expect, it } from 'vitest';
import {
  clock,
  percent,
  renderView,
  sparkline,
  VIEW_LINES,
  type ViewState,
} from '../../../../node/cli/demo/view.js';

const state: ViewState = {
  phase: 'training',
  seconds: 83.4,
  hospitals: 4,
  devices: 20,
  round: 15,
  rounds: 30,
  accuracies: [0.65, 0.7, 0.76],
  accuracyMajority: 0.654,
  accuracyCentral: 0.775,
  epsilon: 3,
  epsilonSpent: 1.5,
  qualified: 298,
  refused: 2,
  blacklisted: [],
  height: 61,
  finalityMsP50: 92.4,
  finalityMsP95: 180,
  validatorsUp: 3,
};
const wide = { width: 120, color: false };
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
const ESCAPES = /\x1b\[[0-9;]*m/g;

function lineOf(view: string, label: string): string {
  const found = view.split('\n').find((line) => line.startsWith(label));
  if (found === undefined) throw new Error(`no line ${label} in\n${view}`);
  return found;
}

describe('renderView', () => {
  it('shows round, accuracy, ε, updates, height, finality and validators', () => {
    const view = renderView(state, wide);
    expect(lineOf(view, 'round')).toContain('15 of 30');
    expect(lineOf(view, 'accuracy')).toMatch(/76\.0 %.*majority 65\.4 %.*central 77\.5 %/);
    expect(lineOf(view, 'ε spent')).toContain('1.50 of 3');
    expect(lineOf(view, 'updates')).toMatch(/298 qualified, 2 refused.*none/);
    expect(lineOf(view, 'chain')).toMatch(/height 61.*92 ms \(p50\).*180 ms \(p95\)/);
    expect(lineOf(view, 'validators')).toContain('3 of 4 up');
    expect(view).toContain('1:23');
  });

  it('fills the bars in proportion', () => {
    for (const label of ['round', 'ε spent']) {
      const line = lineOf(renderView(state, wide), label);
      expect(line.split('█').length - 1).toBe(20);
      expect(line.split('░').length - 1).toBe(20);
    }
  });

  it('does not run over when more is spent than there is', () => {
    const line = lineOf(renderView({ ...state, epsilonSpent: 99 }, wide), 'ε spent');
    expect([line.split('█').length - 1, line.split('░').length - 1]).toEqual([40, 0]);
  });

  it.each([20, 40, 60, 80, 200])('has %i columns at most, and always the same height', (width) => {
    const long = {
      ...state,
      blacklisted: Array.from({ length: 30 }, (_, index) => `hospital-1-device-${index}`),
    };
    const fresh = {
      ...state,
      accuracies: [],
      finalityMsP50: null,
      accuracyCentral: null,
      accuracyMajority: null,
    };
    for (const color of [true, false]) {
      for (const shown of [state, long, fresh, { ...state, epsilon: null }]) {
        const lines = renderView(shown, { width, color }).replace(ESCAPES, '').split('\n');
        expect(lines.length).toBe(VIEW_LINES);
        expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(width);
      }
    }
  });

  it('has colours if asked, and then says the same', () => {
    const plain = renderView(state, wide);
    expect(plain).not.toMatch(ESCAPES);
    const colored = renderView(state, { ...wide, color: true });
    expect(colored).toMatch(ESCAPES);
    expect(colored.replace(ESCAPES, '')).toBe(plain);
  });

  it('says that there is no noise instead of a bar', () => {
    expect(lineOf(renderView({ ...state, epsilon: null }, wide), 'ε spent')).toContain('declared public');
  });

  it('names blacklisted devices', () => {
    const view = renderView({ ...state, blacklisted: ['hospital-2-device-1'] }, wide);
    expect(lineOf(view, 'updates')).toContain('1 (hospital-2-device-1)');
  });
});

describe('parts', () => {
  it('draws the last values between their least and greatest', () => {
    expect(sparkline([5, 0, 1], 2)).toBe('▁█');
    expect(sparkline([0, 0.5, 1], 10)).toBe('▁▅█');
    expect(sparkline([1, 1, 1], 10)).toBe('▁▁▁');
    expect(sparkline([], 10)).toBe('');
  });

  it('formats shares and times', () => {
    expect([percent(0.76190476), percent(1)]).toEqual(['76.2 %', '100.0 %']);
    expect([clock(0), clock(59.99), clock(60), clock(3_600)]).toEqual(['0:00', '0:59', '1:00', '60:00']);
  });
});
