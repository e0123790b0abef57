import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesToHex } from '../../../../crypto/index.js';
import { createVerifyProgress, progressLine } from '../../../../node/cli/commands/verifyProgress.js';
import type { TestChain } from '../../../support/chain.js';
import { type ExportedFiles, exportFiles, trainedChain } from '../../../support/exportedChain.js';
import { runProgram } from '../../../support/runProgram.js';

let test: TestChain;
let files: ExportedFiles;
beforeAll(async () => {
  test = trainedChain(2);
  files = await exportFiles(test);
}, 60_000);
afterAll(() => files.remove());

const verify = (...args: string[]) =>
  runProgram('chain', 'verify', files.file, '--genesis', files.genesisFile, '--threads', '0', ...args);

const anchorAt = (height: number) => `${height}:${bytesToHex(test.blocks[height - 1]!.hash)}`;

describe('chain verify', () => {
  it('holds: exit code 0, and a document that can be filed', async () => {
    const path = join(files.dir, 'audit.md');
    const anchors = ['--anchor', anchorAt(2), '--anchor', anchorAt(test.tip.height)];
    const { exit, out } = await verify(...anchors, '--report', path);
    expect(exit).toBe('ok');
    expect(out).toContain('The chain holds.');
    expect(out.match(/met$/gm)).toHaveLength(2);
    const document = readFileSync(path, 'utf8');
    const { chainId } = test.chain;
    for (const text of [
      bytesToHex(chainId),
      bytesToHex(test.tip.hash),
      'The chain holds',
      'Nothing: all',
      process.version,
    ])
      expect(document).toContain(text);
    for (const what of [
      'certificates',
      'seeds',
      'committees',
      'transactions',
      'verdicts',
      'models',
      'ledgers',
      'state roots',
    ])
      expect(document).toMatch(new RegExp(`^\\| [^|]*${what} \\| [1-9]\\d* \\|`, 'm'));
    expect(document).toContain(`--anchor ${anchorAt(2)}`);
  });

  it('does not hold: exit code 1, and the place in the document', async () => {
    const path = join(files.dir, 'wrong.md');
    const wrong = `3:${'0'.repeat(64)}`;
    const { exit, out } = await verify('--anchor', wrong, '--report', path, '--json');
    expect(exit).toBe('check-failed');
    expect(JSON.parse(out)).toMatchObject({ ok: false, divergence: { height: 3, reason: 'not-the-anchor' } });
    const document = readFileSync(path, 'utf8');
    expect(document).toContain('The chain does NOT hold.');
    expect(document).toContain('At height 3, key anchor: `not-the-anchor`');
  });

  it('of a range without its state: exit code 14, and what was not checked in the document', async () => {
    const path = join(files.dir, 'range.md');
    const range = await exportFiles(test, test.entries.slice(3));
    try {
      const { exit, out } = await verify('--from', '4', '--report', path);
      expect(exit).toBe('check-failed'); // the whole file is no range from 4 on
      expect(out).toContain('wrong-height');
      files = { ...range, remove: files.remove, dir: files.dir };
      const partial = await verify('--from', '4', '--report', path);
      expect(partial.exit).toBe('incomplete');
      expect(partial.out).toContain('not checked   committees');
      expect(readFileSync(path, 'utf8')).toMatch(/^\| execution of transactions \| \d+ \| 4 to \d+ \|/m);
    } finally {
      range.remove();
    }
  });
});

describe('progress', () => {
  it('says height, share, speed and the time that is left', () => {
    const half = { height: 500, blocks: 400, bytes: 50, bytesTotal: 100 };
    expect(progressLine(half, 4)).toBe('height 500, 50 % of the file, 100 blocks/s, 00:00:04 left');
    expect(progressLine({ ...half, bytes: 1 }, 120)).toContain('03:18:00 left');
    expect(progressLine({ ...half, bytes: 0 }, 0)).toBe('height 500, 0 % of the file');
  });

  it('is one line drawn over itself on a terminal, and a plain line every ten seconds elsewhere', () => {
    for (const [isTTY, json, expected] of [
      [true, false, { drawn: 25, notes: 0 }],
      [false, false, { drawn: 0, notes: 2 }],
      [true, true, { drawn: 0, notes: 2 }],
    ] as const) {
      let time = 0;
      const said = { drawn: 0, notes: 0 };
      const write = (text: string): void => void (text.includes('height') && said.drawn++);
      const io = {
        out: () => {},
        note: () => void said.notes++,
        screen: { isTTY, columns: 80, write },
        env: {},
      };
      const progress = createVerifyProgress(io, json, () => time);
      for (let i = 1; i <= 25; i += 1) {
        time = 1_000 * i;
        progress.update({ height: i, blocks: i, bytes: i, bytesTotal: 25 });
      }
      progress.close();
      expect(said).toEqual(expected);
    }
  });
});
