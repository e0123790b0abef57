import { describe, expect, it } from 'vitest';
import { type LevelsWritten, whatIsLeft } from '../../../../node/cli/commands/pmtaLevels.js';

const all: LevelsWritten = { before: 1, set: 2, later: 0, nextEra: null, transactions: [], refusal: null };

describe('a run that sent levels', () => {
  it('is done where all are set', () => {
    expect(whatIsLeft(all)).toBeNull();
  });

  it('is refused where the chain refused, whatever is left for later', () => {
    const left = whatIsLeft({ ...all, refusal: 'levels: too many', later: 3, nextEra: 16 });
    expect(left).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('the chain refused levels (levels: too many)'),
    });
  });

  it('is incomplete where an era bounds it, and says from when on it may go on', () => {
    expect(whatIsLeft({ ...all, later: 3, nextEra: 16 })).toMatchObject({
      code: 'incomplete',
      message: expect.stringContaining('3 providers'),
      hint: expect.stringContaining('height 16'),
    });
  });
});
