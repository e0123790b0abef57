import { execFile } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { exitCodes } from '../../node/cli/exitCodes.js';
import { program, root } from '../support/processes.js';

const [node, main] = program;

function play(name: string): Promise<{ code: number; out: string; errors: string }> {
  const file = join(root, 'test', 'scenarios', `${name}.scenario`);
  return new Promise((resolve) => {
    const child = execFile(node, [main, 'testnet', 'play', file], { timeout: 600_000 }, (_, out, errors) => {
      resolve({ code: child.exitCode ?? -1, out, errors });
    });
  });
}

it('plays an outage: a crash, a partition, a pause, and what holds through them', async () => {
  const { code, out, errors } = await play('outage');
  expect([code, errors]).toEqual([exitCodes.ok, '']);
  expect(out).toContain('All 19 sentences held.');
}, 620_000);

it('ends at the line that does not hold, keeps the logs and nothing else', async () => {
  const { code, out, errors } = await play('wrong');
  expect(code).toBe(exitCodes['check-failed']);
  expect(out.split('\n').filter((line) => line.startsWith('✓'))).toHaveLength(2);
  expect(errors).toMatch(/wrong\.scenario, line 3: .*the head is at \d+, after 1 s/);
  const logs = /logs are in (\S+)/.exec(errors)![1]!;
  expect(readdirSync(logs)).toHaveLength(4);
  expect(existsSync(join(dirname(logs), 'network'))).toBe(false);
  rmSync(logs, { recursive: true });
}, 200_000);
