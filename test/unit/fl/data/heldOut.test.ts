import { describe, expect, it } from 'vitest';
import { utf8ToBytes } from '../../../../crypto/index.js';
import { HELD_OUT16_MAX, heldOutMax, holdOut } from '../../../../fl/index.js';

const seed = utf8ToBytes('held out');
const fifth = 13_107;

describe('holdOut', () => {
  it('deals every row to one side, the same rows for the same seed', () => {
    const { training, heldOut } = holdOut({ rows: 100, subjects: null, share16: fifth, seed });
    expect(heldOut.length).toBe(19); // 13,107 / 65,536 is a little less than a fifth
    expect([...training, ...heldOut].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(holdOut({ rows: 100, subjects: null, share16: fifth, seed }).heldOut).toEqual(heldOut);
    const other = holdOut({ rows: 100, subjects: null, share16: fifth, seed: utf8ToBytes('other') });
    expect(other.heldOut).not.toEqual(heldOut);
  });

  it('leaves all rows of a person on one side, and never exceeds the share', () => {
    // Person i has i + 1 rows.
    const subjects = Array.from({ length: 20 }, (_, i) => new Array<string>(i + 1).fill(`p${i}`)).flat();
    for (const text of ['a', 'b', 'c', 'd']) {
      const dealt = holdOut({ rows: 210, subjects, share16: fifth, seed: utf8ToBytes(text) });
      const held = new Set(dealt.heldOut.map((row) => subjects[row]));
      expect(dealt.training.some((row) => held.has(subjects[row]))).toBe(false);
      expect(dealt.heldOut.length).toBeLessThanOrEqual(41);
      expect(dealt.heldOut.length).toBeGreaterThan(20);
    }
  });

  it('holds nothing out of a share of none, and leaves a row to train', () => {
    expect(holdOut({ rows: 7, subjects: null, share16: 0, seed })).toEqual({
      training: [0, 1, 2, 3, 4, 5, 6],
      heldOut: [],
    });
    expect(holdOut({ rows: 1, subjects: null, share16: HELD_OUT16_MAX, seed }).training).toEqual([0]);
    for (const share16 of [-1, HELD_OUT16_MAX + 1, 0.5])
      expect(() => holdOut({ rows: 7, subjects: null, share16, seed })).toThrow(RangeError);
  });
});

describe('heldOutMax', () => {
  it('bounds the rows that are held out by those that train, whatever their number', () => {
    for (const share16 of [1, fifth, HELD_OUT16_MAX])
      for (let rows = 1; rows < 200; rows++) {
        const { training, heldOut } = holdOut({ rows, subjects: null, share16, seed });
        expect(heldOut.length).toBeLessThanOrEqual(heldOutMax(training.length, share16));
      }
    expect(heldOutMax(10, 16_384)).toBe(3);
  });
});
