import { execFileSync, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../../../support/network.js';
import { runProgram } from '../../../support/runProgram.js';

const has = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;

/** What bash would offer for this line, the last word being the one that is typed. */
function offered(script: string, ...words: readonly string[]): readonly string[] {
  const line = `${script}
COMP_WORDS=(consilium ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}
_consilium; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', line], { encoding: 'utf8' }).split('\n').filter(Boolean);
}

describe('completion', () => {
  it('offers commands, options and the values of options', async () => {
    const { exit, out } = await runProgram('completion', 'bash');
    expect(exit).toBe('ok');
    expect(offered(out, 'ch')).toEqual(['chain']);
    expect(offered(out, 'chain', 'ver')).toEqual(['verify']);
    expect(offered(out, '--json', 'chain', 'verify', 'x.car', '--anch')).toEqual(['--anchor']);
    expect(offered(out, 'node', 'start', '--join', '')).toContain('snapshot');
    expect(offered(out, 'node', 'start', '--config', '--')).toEqual([]);
    expect(offered(out, 'nonsense', '--he')).toEqual(['--help']);
  });

  it.each(['bash', 'zsh', 'fish'])('is a script that %s can read', async (shell) => {
    const { out } = await runProgram('completion', shell);
    for (const word of ['verify', 'anchor', 'testnet', 'personalise']) expect(out).toContain(word);
    if (!has(shell)) return;
    // From a file: fish reads no script from a pipe that it is told not to run.
    const folder = await tempFolder();
    const path = join(folder.path, `consilium.${shell}`);
    await writeFile(path, out);
    const read = spawnSync(shell, ['-n', path], { encoding: 'utf8' });
    await folder.remove();
    expect(read).toMatchObject({ status: 0, stderr: '' });
  });

  it.skipIf(!has('fish'))('offers the same in fish, with what each is', async () => {
    const { out } = await runProgram('completion', 'fish');
    const line = `${out}\ncomplete -C 'consilium chain ver'; complete -C 'consilium node start --join '`;
    const told = execFileSync('fish', ['-c', line], { encoding: 'utf8' });
    expect(told).toMatch(/^verify\treplay a chain/);
    expect(told).toContain('snapshot');
  });

  it('refuses a shell that it does not know', async () => {
    expect(await runProgram('completion', 'csh')).toMatchObject({ exit: 'usage' });
  });
});
