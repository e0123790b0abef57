import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LedgerFile } from '../../../../node/devices/ledgerFile.js';

const dataset = 'ab'.repeat(32);
const bytes = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (cap = 100n) => LedgerFile.open(folder, dataset, cap);

describe('the ledger file of a device', () => {
  it('keeps the charge and the very bytes of the newest round of each task over a restart', async () => {
    const ledger = await open();
    await ledger.charge(1, 1, 10n, bytes(1));
    await ledger.charge(2, 1, 10n, bytes(2));
    await ledger.charge(1, 2, 10n, bytes(3));
    const again = await open();
    expect(again.rhoSpent).toBe(30n);
    expect([again.lastRound(1), again.lastRound(2), again.lastRound(3)]).toEqual([2, 1, 0]);
    expect(await again.update(1, 2)).toEqual(bytes(3));
    expect(await again.update(2, 1)).toEqual(bytes(2));
    expect(await again.update(1, 1)).toBeNull();
    expect(readdirSync(folder).sort()).toEqual(['ledger.json', 'update-1-2.bin', 'update-2-1.bin']);
  });

  it('loses no charge when two tasks are charged at the same moment', async () => {
    const ledger = await open();
    await Promise.all([1, 2, 3, 4].map((task) => ledger.charge(task, 1, 10n, bytes(task))));
    const again = await open();
    expect([ledger.rhoSpent, again.rhoSpent]).toEqual([40n, 40n]);
    for (const task of [1, 2, 3, 4]) expect(await again.update(task, 1)).toEqual(bytes(task));
  });

  it('gives the bytes of the charged round when a crash came between the next update and its charge', async () => {
    const ledger = await open();
    await ledger.charge(1, 1, 10n, bytes(1));
    writeFileSync(join(folder, 'update-1-2.bin'), bytes(9));
    const again = await open();
    expect(again.lastRound(1)).toBe(1);
    expect(await again.update(1, 1)).toEqual(bytes(1));
    await again.charge(1, 2, 10n, bytes(2));
    expect(await (await open()).update(1, 2)).toEqual(bytes(2));
  });

  it('refuses to overdraw and changes nothing then, also beside charges that fit', async () => {
    const ledger = await open(25n);
    const charges = [1, 2, 3].map((task) => ledger.charge(task, 1, 10n, bytes(task)));
    const results = await Promise.allSettled(charges);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    await expect(charges[2]).rejects.toMatchObject({ code: 'budget-exhausted' });
    expect((await open(25n)).rhoSpent).toBe(20n);
    expect(ledger.lastRound(3)).toBe(0);
  });

  it('keeps one answer an evaluation for good, beside the rounds, and refuses to overdraw', async () => {
    const ledger = await open(25n);
    await ledger.charge(1, 1, 10n, bytes(1));
    await ledger.chargeAnswer(1, 10n, bytes(2));
    await expect(ledger.chargeAnswer(2, 10n, bytes(3))).rejects.toMatchObject({ code: 'budget-exhausted' });
    await expect(ledger.chargeAnswer(1, 1n, bytes(4))).rejects.toThrow(/answered already/);
    const again = await open(25n);
    expect(again.rhoSpent).toBe(20n);
    expect(await again.answer(1)).toEqual(bytes(2));
    expect(await again.answer(2)).toBeNull();
    expect(await again.update(1, 1)).toEqual(bytes(1));
  });

  it('opens a book from before there were evaluations', async () => {
    await (await open()).charge(1, 1, 10n, bytes(1));
    const { answers, ...old } = JSON.parse(readFileSync(join(folder, 'ledger.json'), 'utf8'));
    expect(answers).toEqual([]);
    writeFileSync(join(folder, 'ledger.json'), JSON.stringify(old));
    expect((await open()).rhoSpent).toBe(10n);
  });

  it('does not open a damaged book, nor one of other data', async () => {
    await (await open()).charge(1, 1, 10n, bytes(1));
    await expect(LedgerFile.open(folder, 'cd'.repeat(32), 100n)).rejects.toMatchObject({
      code: 'other-dataset',
    });
    writeFileSync(join(folder, 'ledger.json'), '{"version":1,');
    await expect(open()).rejects.toMatchObject({ code: 'bad-ledger' });
  });
});
