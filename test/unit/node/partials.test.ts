import {
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
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
    const count = 512;
    const partial = await (await open()).open(idOf(1), count * 65_536);
    for (let index = 0; index < count; index += 1) {
      await partial.write(index, Uint8Array.of(0, 0, index >> 8, index & 255, 9));
    }
    const parts = Array.from({ length: count }, (_, index) => ({
      skip: index % 3,
      into: new Uint8Array(index === count - 1 ? 5 - (index % 3) : 4),
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
    await leave(partials, 1);
    await leave(partials, 2);
    utimesSync(fileOf(1), 9, 9);
    // By the times of the files, not by their names or by the order in which they were begun.
    const later = await open(undefined, 2 * SIZE);
    const third = await later.open(idOf(3), SIZE);
    expect([existsSync(fileOf(1)), existsSync(fileOf(2))]).toEqual([true, false]);
    const fourth = await later.open(idOf(4), SIZE);
    const fifth = await later.open(idOf(5), SIZE);
    expect([1, 3, 4, 5].map((byte) => existsSync(fileOf(byte)))).toEqual([false, true, true, true]);
    for (const each of [third, fourth, fifth]) await each.remove();
    const again = await later.open(idOf(1), SIZE);
    expect(again.begun).toBe(false);
    await again.remove();
  });

  it('are in use until the last of those who opened them is done', async () => {
    const partials = await open(undefined, SIZE);
    const one = await partials.open(idOf(1), SIZE);
    const other = await partials.open(idOf(1), SIZE);
    await one.close();
    const second = await partials.open(idOf(2), SIZE);
    expect(existsSync(fileOf(1))).toBe(true);
    await other.close();
    const third = await partials.open(idOf(3), SIZE);
    expect([1, 2, 3].map((byte) => existsSync(fileOf(byte)))).toEqual([false, true, true]);
    for (const each of [second, third]) await each.remove();
  });

  it('are gone for the one who removed them and for the other who had them open', async () => {
    const partials = await open();
    const one = await partials.open(idOf(1), SIZE);
    const other = await partials.open(idOf(1), SIZE);
    await one.remove();
    await other.close();
    const again = await partials.open(idOf(1), SIZE);
    expect(again.begun).toBe(false);
    await again.remove();
  });

  it('go by when they were last in use, of those that this process left', async () => {
    const partials = await open(undefined, 2 * SIZE);
    for (const byte of [1, 2, 1]) await leave(partials, byte);
    const third = await partials.open(idOf(3), SIZE);
    expect([1, 2, 3].map((byte) => existsSync(fileOf(byte)))).toEqual([true, false, true]);
    await third.remove();
  });

  it('take 512 MiB together, unless it is said otherwise', async () => {
    const size = 32 * 1024 * 1024;
    for (let byte = 1; byte <= 18; byte += 1) {
      writeFileSync(fileOf(byte, size), '');
      utimesSync(fileOf(byte, size), byte, byte);
    }
    const partial = await (await openPartials(folder.path, () => false)).open(idOf(18), size);
    expect(readdirSync(folder.path).length).toBe(16);
    expect([1, 2, 3].map((byte) => existsSync(fileOf(byte, size)))).toEqual([false, false, true]);
    await partial.remove();
  });

  it('are nobody else’s to read', async () => {
    const files = join(folder.path, 'partial');
    const partial = await (await openPartials(files, () => false)).open(idOf(1), SIZE);
    const [file] = readdirSync(files);
    expect([files, join(files, file!)].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o600]);
    await partial.remove();
  });

  it('keep no file open when they are closed or removed', async () => {
    const partials = await open();
    for (const end of ['close', 'remove'] as const) {
      const partial = await partials.open(idOf(1), SIZE);
      await partial[end]();
      await expect(partial.read(0)).rejects.toThrow();
      await expect(partial.write(0, Uint8Array.of(1))).rejects.toMatchObject({ code: 'write-failed' });
    }
  });

  it('that could not be opened are not in use', async () => {
    const partials = await open(undefined, 2 * SIZE);
    rmSync(folder.path, { recursive: true });
    await expect(partials.open(idOf(1), SIZE)).rejects.toMatchObject({ code: 'write-failed' });
    mkdirSync(folder.path);
    await leave(partials, 2);
    const third = await partials.open(idOf(3), SIZE);
    expect(existsSync(fileOf(2))).toBe(true);
    await third.remove();
  });

  it('that can’t be removed or looked at say so', async () => {
    const failed = { code: 'write-failed' };
    mkdirSync(fileOf(1));
    await expect(open(() => true)).rejects.toMatchObject(failed);
    await expect((await open(undefined, SIZE)).open(idOf(2), SIZE)).rejects.toMatchObject(failed);
    symlinkSync(join(folder.path, 'nowhere'), fileOf(3));
    await expect(open()).rejects.toMatchObject(failed);
  });

  it('say what to do when the folder can’t be used', async () => {
    writeFileSync(join(folder.path, 'file'), '');
    await expect(openPartials(join(folder.path, 'file'), () => false)).rejects.toMatchObject({
      code: 'write-failed',
      message: expect.stringContaining('permissions'),
    });
  });
});
