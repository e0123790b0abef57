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
    const rest = { newPublicKey: null, levels: [], leak: null, rejections: [] };
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
          candidate: {
            vrfPublicKey: key('e'),
            name: 'clinic',
            hospital: 'The Clinic',
            role: 'validator',
            level: 0,
            area: '',
          },
          ...rest,
          proposer: key('1'),
          approvals: [key('1'), key('2')],
          expiresAt: 0,
        },
        {
          proposal: 5,
          action: 'remove',
          publicKey: key('2'),
          candidate: null,
          ...rest,
          proposer: key('1'),
          approvals: [key('1')],
          expiresAt: 0,
        },
        {
          proposal: 6,
          action: 'levels',
          publicKey: key('6'),
          candidate: null,
          ...rest,
          levels: [
            { account: key('6'), level: 2 },
            { account: key('7'), level: 3 },
          ],
          rejections: [key('2')],
          proposer: key('1'),
          approvals: [key('1')],
          expiresAt: 0,
        },
        {
          proposal: 7,
          action: 'leak',
          publicKey: key('6'),
          candidate: null,
          ...rest,
          leak: { task: 3, evidence: key('d') },
          proposer: key('9'),
          approvals: [],
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
      `Proposal 6: levels of 2 accounts, the first ${key('6')} at 2; approved by hospital-1; rejected by hospital-2`,
      `Proposal 7: leak of task 3 through 6666666666666666 (${key('6')}), evidence ${key('d')}; approved by nobody`,
    ]);
  });
});
