/**
 * What each field of a genesis file means, by its place in `genesisSchema`: the one owner of these words, from which
 * docs/reference/genesis.md is made. A field without an entry fails a test. Links are as seen from docs/reference/.
 */
export const genesisFields: Readonly<Record<string, string>> = {
  version: 'of this format',
  name: 'for people; at most 64 bytes',
  time: 'ms since 1970; the first block is later',
  'params.eraHeights':
    'heights in an era: reputation, joining and leaving take effect in the draw two eras later, and evidence is taken for 16',
  'params.members':
    'M, the size of a committee; all seats on the ring if there are fewer, as they come and go',
  'params.capture.dishonest':
    'how many validators may lie; null: as many as agreement bears, ⌊(N − 1)/3⌋ of those with a seat',
  'params.capture.heights': 'planned length of the chain',
  'params.capture.allowUnsafe': 'a chance of capture above 1e-9 is accepted',
  'params.validatorReputation.start':
    'points that validators begin with, at most `cap`: their weight in the draw of leaders',
  'params.validatorReputation.cap': 'the most points that one can have; the least is 1',
  'params.deviceReputation.start': 'points that devices begin with, at most `cap`; at 0 they are blacklisted',
  'params.deviceReputation.cap': 'the most points that one can have',
  'params.levels.highest': 'nobody’s level is above ([levels](../levels.md))',
  'params.levels.admitted':
    'the highest level that a hospital admits its own accounts at, at most `highest`; above, the validators vote',
  'params.levels.perEra': 'how far a level may move from what it was when the era began',
  'params.levels.completions': 'so many completed tasks raise a level by one; 0: none rises by itself',
  'params.rates.perEra':
    'transactions of one account in an era ([membership](../membership.md#how-much-an-account-may-send))',
  'params.rates.protocolPerHeight': 'evidence and updates of one account beyond these, times `eraHeights`',
  'params.agreement.deadlineMs': 'deadline of period 0, before doubling; at most `deadlineCapMs`',
  'params.agreement.deadlineDoublingsMax':
    'the deadline doubles with each empty block in a row, at most so often',
  'params.agreement.deadlineCapMs': 'no deadline is longer, but for payloads that have to be pulled',
  'params.agreement.filterMs': 'wait before a soft vote in periods from 1; at least two network delays',
  'params.agreement.heartbeatMs': 'an idle chain makes a block this often',
  'params.agreement.clockDriftMs': 'how far a block’s time may run ahead of the own clock',
  upgrades:
    'not part of the chain id: by which version of the rules blocks are executed from which height on ([upgrades](../genesis.md#upgrades)); rising in both',
  'upgrades[].height': 'from this height on',
  'upgrades[].protocol': 'version of the rules',
  accounts: 'who is there from the beginning: 1 to 1,000 validators, and others',
  'accounts[].publicKey': 'Ed25519, a point of the curve, unique; a validator’s peer id as well',
  'accounts[].role': 'what it may do',
  'accounts[].name': 'for people; unique, at most 64 bytes',
  'accounts[].hospital':
    'who answers for it, at most 64 bytes; a hospital runs one validator, whose approval its devices need',
  'accounts[].level':
    'at most `params.levels.highest`; a device may take part in tasks of exactly this level, which changes by rule ([levels](../levels.md))',
  'accounts[].area': 'the area of care, where tasks are dealt out by areas; at most 64 bytes',
  'accounts[].vrfPublicKey':
    'unique among validators, who need one: its seeds draw the committees; null for others',
  'accounts[].balance':
    'tokens that it begins with, 0 if left out; their sum is at most 2^53 − 1. No others are ever made: publishers pay tasks from theirs ([rewards](../tasks.md#rewards))',
};
