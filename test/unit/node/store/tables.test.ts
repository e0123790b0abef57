import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drbg, utf8ToBytes } from '../../../../crypto/index.js';
import { crc32c } from '../../../../node/store/crc32c.js';
import { openDatabase } from '../../../../node/store/database.js';
import { unsnappy } from '../../../../node/store/snappy.js';
import { alteredTables } from '../../../../node/store/tables.js';

/** Opens the database in its argument, says so, and holds it. */
const HOLDER = `
  const { ClassicLevel } = require('classic-level');
  new ClassicLevel(process.argv[1]).open().then(() => console.log('open'));
  setInterval(() => undefined, 60_000);
`;

let folder: string;
let whole: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'store-tables-'));
  whole = join(folder, 'whole');
  const database = new ClassicLevel<string, Uint8Array>(whole, { valueEncoding: 'view' });
  const random = drbg(utf8ToBytes('tables'));
  // Texts that compress, bytes that do not, and one value longer than a block.
  for (let i = 0; i < 400; i += 1) {
    await database.put(`text/${`${i}`.padStart(40, '0')}`, utf8ToBytes('again and '.repeat(20)));
    await database.put(`bytes/${i}`, random(300));
  }
  await database.put('long', random(100_000));
  await database.compactRange('', '\u{10ffff}');
  await database.close();
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function tablesIn(path: string): readonly string[] {
  return readdirSync(path).filter((name) => name.endsWith('.ldb'));
}

describe('the sums of tables', () => {
  it('are right as LevelDB writes them', async () => {
    expect(tablesIn(whole).length).toBeGreaterThan(0);
    expect(await alteredTables(whole)).toEqual([]);
  });

  it('show any altered bit but in the padding of the end', async () => {
    const [name] = tablesIn(whole);
    const raw = readFileSync(join(whole, name!));
    const seed = process.env.SEED ?? `${Date.now()}`;
    const below = drbg(utf8ToBytes(seed));
    const path = mkdtempSync(join(folder, 'altered-'));
    for (let i = 0; i < 300; i += 1) {
      const at = Buffer.from(below(6)).readUIntBE(0, 6) % (raw.length - 48);
      const altered = Buffer.from(raw);
      altered[at]! ^= 1 << (i % 8);
      writeFileSync(join(path, name!), altered);
      expect(await alteredTables(path), `SEED=${seed}: byte ${at}`).toEqual([name]);
    }
  });

  it('say nothing of a table without an end: a crash has cut it short, or LevelDB refuses it', async () => {
    const [name] = tablesIn(whole);
    const path = mkdtempSync(join(folder, 'cut-'));
    copyFileSync(join(whole, name!), join(path, name!));
    writeFileSync(join(path, name!), readFileSync(join(path, name!)).subarray(0, -1));
    expect(await alteredTables(path)).toEqual([]);
  });
});

describe('a folder with an altered table', () => {
  it('is damaged; while another process has it open it is in use, and left alone', async () => {
    const path = join(folder, 'in-use');
    cpSync(whole, path, { recursive: true });
    const holder = spawn(process.execPath, ['-e', HOLDER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(holder.stdout, 'data');
      const [name] = tablesIn(path);
      const raw = readFileSync(join(path, name!));
      raw[1]! ^= 0x80;
      writeFileSync(join(path, name!), raw);
      await expect(openDatabase(path, false)).rejects.toMatchObject({ code: 'locked' });
    } finally {
      holder.kill();
      await once(holder, 'exit');
    }
    await expect(openDatabase(path, false)).rejects.toMatchObject({
      code: 'damaged',
      message: expect.stringContaining('consilium chain repair'),
    });
  }, 60_000);
});

describe('crc32c', () => {
  // RFC 3720, appendix B.4.
  it.each<[string, Uint8Array, number]>([
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['32 rising', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['32 falling', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    ['nine digits', utf8ToBytes('123456789'), 0xe3069283],
  ])('of %s is that of the RFC', (_, bytes, sum) => {
    expect(crc32c(bytes)).toBe(sum);
  });
});

describe('unsnappy', () => {
  it('reads literals and copies, also those that reach into themselves', () => {
    // 10 bytes: "ab", then 8 from 2 back.
    expect(unsnappy(Buffer.from([10, 0x04, 0x61, 0x62, 0x11, 0x02]))?.toString()).toBe('ababababab');
    expect(unsnappy(Buffer.from([3, 0x08, 0x61, 0x62, 0x63]))?.toString()).toBe('abc');
  });

  it('refuses what does not add up, and never reads or writes beyond', () => {
    expect(unsnappy(Buffer.from([4, 0x08, 0x61, 0x62, 0x63]))).toBeNull();
    expect(unsnappy(Buffer.from([10, 0x04, 0x61, 0x62, 0x11, 0x03]))).toBeNull();
    expect(unsnappy(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x7f, 0]))).toBeNull();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const out = unsnappy(Buffer.from(bytes));
        if (out !== null) expect(out.length).toBeLessThanOrEqual(64 * 64);
      }),
    );
  });
});
