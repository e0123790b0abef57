import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../../../node/cli/scenario/parse.js';
import { sentences } from '../../../../node/cli/scenario/sentences.js';
import { runProgram } from '../../../support/runProgram.js';

describe('a scenario', () => {
  it('is read sentence by sentence, with lines and words', () => {
    const text = '# a comment\n\nkill  hospital-1 hospital-2   # two\nexpect height 3 within 5 s\n';
    expect(parseScenario(text).map(({ line, text: said, words }) => [line, said, words])).toEqual([
      [3, 'kill hospital-1 hospital-2', { who: 'hospital-1 hospital-2' }],
      [4, 'expect height 3 within 5 s', { height: '3', seconds: '5' }],
    ]);
  });

  it('knows each sentence by its own example, and by no other’s', () => {
    for (const { example, pattern } of sentences) {
      expect([example, pattern.test(example)]).toEqual([example, true]);
      const [step] = parseScenario(example);
      expect([example, step!.sentence.example]).toEqual([example, example]);
    }
  });

  it('is refused with the line that is none, and examples of what would be', () => {
    expect(() => parseScenario('heal\nexpect peace')).toThrow(/line 2: “expect peace”/);
    expect(() => parseScenario('# nothing')).toThrow(/empty/);
    expect(() => parseScenario('heal\n'.repeat(1_001))).toThrow(/1000 lines/);
  });

  it('that CI plays can be read', () => {
    const text = readFileSync(new URL('../../../scenarios/outage.scenario', import.meta.url), 'utf8');
    expect(parseScenario(text).length).toBeGreaterThan(10);
  });

  it('needs its network first', async () => {
    const file = new URL('../../../scenarios/headless.scenario', import.meta.url).pathname;
    expect(await runProgram('testnet', 'play', file)).toMatchObject({
      exit: 'usage',
      message: expect.stringContaining('line 1'),
    });
    expect(await runProgram('testnet', 'play', `${file}.none`)).toMatchObject({ exit: 'bad-config' });
  });
});
