import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesToHex } from '../../../crypto/index.js';
import { openPartials } from '../../../node/partials.js';
import { tempFolder } from '../../support/network.js';

let folder: Awaited<ReturnType<typeof tempFolder>>;
beforeEach(async () => {
  folder = await tempFolder();
});
afterEach(() => folder.remove());

const idOf = (byte: number) => new Uint8Array(32).fill(byte);
const SIZE = 200_000;
const fileOf = (byte: number, size = SIZE) => join(folder.path, `${bytesToHex(idOf(byte))}-${size}`);
const open = (isHeld: (id: Uint8Array) => boolean = () => false, bytesMax?: number) =>
  openPartials(folder.path, isHeld, bytesMax);

/** One that was begun and left, longer ago the smaller the byte. */
async function leave(partials: Awaited<ReturnType<typeof open>>, byte: number): Promise<void> {
  const partial = await partials.open(idOf(byte), SIZE);
  await partial.write(0, Uint8Array.of(byte));
  await partial.close();
  utimesSync(fileOf(byte), byte, byte);
}

describe('unfinished payloads on disk', () => {
  it('are there after a restart, each slot for itself', async () => {
    const first = await (await open()).open(idOf(1), SIZE);
    expect(first.begun).toBe(false);
    await first.write(2, Uint8Array.of(1, 2, 3));
    await first.close();
    const again = await (await open()).open(idOf(1), SIZE);
    expect(again.begun).toBe(true);
    expect([...(await again.read(2)).subarray(0, 3)]).toEqual([1, 2, 3]);
    expect((await again.read(0)).every((byte) => byte === 0)).toBe(true);
    expect((await again.read(3)).length).toBe(0);
    await again.close();
  });

  it('are read at once, from behind what goes before each part, more slots than one read takes', async () => {
    const count = 300;
    const partial = await (await open()).open(idOf(1), count * 65_536);
    for (let index = 0; index < count; index += 1) {
      await partial.write(index, Uint8Array.of(0, 0, index >> 8, index & 255, 9));
    }
    const parts = Array.from({ length: count }, (_, index) => ({
      skip: index % 3,
      into: new Uint8Array(index === 299 ? 5 - (index % 3) : 4),
    }));
    await partial.gather(parts);
    for (const [index, { skip, into }] of parts.entries()) {
      const written = [0, 0, index >> 8, index & 255, 9, 0, 0].slice(skip, skip + into.length);
      expect([...into]).toEqual(written);
    }
    await partial.remove();
  });

  it('are gone when they are removed', async () => {
    const partials = await open();
    const partial = await partials.open(idOf(1), SIZE);
    await partial.write(0, Uint8Array.of(1));
    await partial.remove();
    expect(readdirSync(folder.path)).toEqual([]);
    const again = await partials.open(idOf(1), SIZE);
    expect(again.begun).toBe(false);
    await again.remove();
  });

  it('of one chunk stay in memory', async () => {
    const partial = await (await open()).open(idOf(1), 65_536);
    await partial.write(0, Uint8Array.of(7));
    expect([...(await partial.read(0))]).toEqual([7]);
    expect(readdirSync(folder.path)).toEqual([]);
    await partial.close();
  });

  it('that are whole meanwhile are removed on opening, and nothing else is', async () => {
    const partials = await open();
    await leave(partials, 1);
    await leave(partials, 2);
    writeFileSync(join(folder.path, 'notes'), 'somebody else’s');
    await open((id) => id[0] === 1);
    expect([existsSync(fileOf(1)), existsSync(fileOf(2))]).toEqual([false, true]);
    expect(existsSync(join(folder.path, 'notes'))).toBe(true);
  });

  it('that were left longest ago go first beyond the bound; those in use never', async () => {
    const partials = await open(undefined, 2 * SIZE);
    await leave(partials, 2);
    await leave(partials, 1);
    // By the times of the files, not by their names or by the order in which they were begun.
    const later = await open(undefined, 2 * SIZE);
    const third = await later.open(idOf(3), SIZE);
    expect([existsSync(fileOf(1)), existsSync(fileOf(2))]).toEqual([false, true]);
    const fourth = await later.open(idOf(4), SIZE);
    const fifth = await later.open(idOf(5), SIZE);
    expect([2, 3, 4, 5].map((byte) => existsSync(fileOf(byte)))).toEqual([false, true, true, true]);
    for (const each of [third, fourth, fifth]) await each.remove();
  });

  it('say what to do when the folder can’t be used', async () => {
    writeFileSync(join(folder.path, 'file'), '');
    await expect(openPartials(join(folder.path, 'file'), () => false)).rejects.toMatchObject({
      code: 'write-failed',
      message: expect.stringContaining('permissions'),
    });
  });
});
