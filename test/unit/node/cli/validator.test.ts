import { describe, expect, it } from 'vitest';
import { formatValidators } from '../../../../node/cli/commands/validator.js';

const key = (digit: string) => digit.repeat(64);

describe('validator list', () => {
  it('shows seats, weights now and next, and who has approved what', () => {
    const validator = (digit: string, name: string) => ({
      publicKey: key(digit),
      vrfPublicKey: key('f'),
      name,
      hospital: name,
      points: 100,
    });
    const text = formatValidators({
      height: 37,
      era: 9,
      eraHeights: 4,
      approvalsNeeded: 3,
      validators: [
        { ...validator('1', 'hospital-1'), seat: 'held', weight: 101, nextWeight: 102 },
        { ...validator('2', 'hospital-2'), seat: 'weightless', weight: 7, nextWeight: 0 },
        { ...validator('3', 'hospital-3'), seat: 'lost', weight: null, nextWeight: null },
      ],
      proposals: [
        {
          proposal: 4,
          action: 'add',
          publicKey: key('4'),
          candidate: { vrfPublicKey: key('e'), name: 'clinic', hospital: 'The Clinic' },
          proposer: key('1'),
          approvals: [key('1'), key('2')],
          expiresAt: 0,
        },
        {
          proposal: 5,
          action: 'remove',
          publicKey: key('2'),
          candidate: null,
          proposer: key('1'),
          approvals: [key('1')],
          expiresAt: 0,
        },
      ],
    });
    expect(text.split('\n')).toEqual([
      'Height 37, era 9. A change takes 3 approvals.',
      '  validator   seat        ring now   ring next  public key',
      '  hospital-1  held        101        102        1111111111111111',
      '  hospital-2  weightless  7          0          2222222222222222',
      '  hospital-3  lost        not on it  not on it  3333333333333333',
      `Proposal 4: add clinic of The Clinic (${key('4')}); approved by hospital-1, hospital-2`,
      `Proposal 5: remove hospital-2 (${key('2')}); approved by hospital-1`,
    ]);
  });
});
