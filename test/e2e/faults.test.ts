import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { clockImport, setClock } from '../faults/clock.js';
import { runFaults } from '../faults/run.js';
import { PATIENCE_MS } from '../support/processes.js';

describe('a network of processes under faults', () => {
  it('keeps one chain and all that clients were told, and comes together again', async () => {
    const seed = randomInt(2 ** 31);
    const lines: string[] = [];
    const report = await runFaults({
      seed,
      members: 4,
      seconds: 12,
      accounts: 8,
      training: false,
      fabric: 'proxies',
      // Whether it is fast is what `npm run test:faults` measures; here a busy machine must pass as well.
      recoverMs: PATIENCE_MS,
      say: (line) => lines.push(line),
      signal: AbortSignal.timeout(170_000),
    });
    const again = `npm run test:faults -- --members 4 --fabric proxies --seed ${seed} --seconds 12 --accounts 8`;
    console.log(`${again}: ${report.faults} faults, ${report.checked.heights} heights`);
    expect(report.findings, [again, ...lines].join('\n')).toEqual([]);
    expect(report.audited).toBe(true);
    expect(report.faults).toBeGreaterThan(0);
    expect(report.checked.acknowledged).toBeGreaterThan(0);
    expect(report.recoveryMs.count).toBe(report.episodes);
  });
});

describe('the preload that bends a clock', () => {
  let folder = '';
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('shifts Date while the file says so, and no other clock', async () => {
    folder = mkdtempSync(join(tmpdir(), 'consilium-clock-'));
    const file = join(folder, 'skew');
    setClock(file, 3_600_000);
    const tell =
      'setInterval(() => console.log(JSON.stringify([Date.now(), +new Date(), performance.now(), +new Date(5)])), 20)';
    const args = ['--import', clockImport(file), '-e', tell];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const skews: number[] = [];
      for await (const line of createInterface({ input: child.stdout })) {
        const [now, fresh, monotonic, given] = JSON.parse(line) as [number, number, number, number];
        expect(given).toBe(5);
        expect(fresh - now).toBeLessThan(1_000);
        expect(monotonic).toBeLessThan(PATIENCE_MS);
        skews.push(Math.round((now - Date.now()) / 3_600_000));
        if (skews.at(-1) === 1) setClock(file, -7_200_000);
        if (skews.at(-1) === -2) break;
      }
      expect(skews[0]).toBe(1);
      expect(new Set(skews)).toEqual(new Set([1, -2]));
    } finally {
      child.kill('SIGKILL');
    }
  });
});
