import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encode, struct, uint } from '../../../../chain/index.js';
import { concatBytes, sha256, utf8ToBytes } from '../../../../crypto/index.js';
import { repairChain } from '../../../../node/repair.js';
import { openDatabase, write } from '../../../../node/store/database.js';
import { openStore } from '../../../../node/store/index.js';
import { createJournal } from '../../../../node/store/journal.js';
import { createTestChain, type TestChain } from '../../../support/chain.js';

const HEIGHTS = 4;

let folder: string;
let path: string;
let test: TestChain;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-format-'));
  path = join(folder, 'data');
  test = createTestChain();
  for (let i = 0; i < HEIGHTS; i += 1) test.block([]);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = () =>
  openStore({ path, chainId: test.chain.chainId, genesisState: test.chain.tip.state, create: false });

/** What format 2 wrote of a chain, as far as a repair reads it; this node has voted at the height after the last. */
async function writeFormer(): Promise<void> {
  const database = await openDatabase(path, true);
  const put = (key: string, value: Uint8Array) => ({ type: 'put' as const, key, value });
  const stamp = encode(struct({ generation: uint, frames: uint }), { generation: 1, frames: 1 });
  const entries = test.entries.flatMap(({ block, certificate }, i) => {
    const digits = `${i + 1}`.padStart(16, '0');
    const sealed = concatBytes(sha256(certificate), certificate);
    return [put(`block/${digits}`, block), put(`certificate/${digits}`, sealed)];
  });
  const first = [put('format', encode(uint, 2)), put('chain', test.chain.chainId), put('journal', stamp)];
  await write(database, [first, entries]);
  await database.close();
  createJournal(path, {
    head: { height: HEIGHTS, hash: test.tip.hash },
    writes: 1,
    abstention: null,
    height: HEIGHTS + 1,
    records: new Map([['vote/0/soft/x', utf8ToBytes('soft 5')]]),
  });
}

describe('a folder of the format before', () => {
  it('is not opened, and the message names the command that takes it over', async () => {
    await writeFormer();
    await expect(open()).rejects.toMatchObject({
      code: 'former-format',
      message: expect.stringMatching(/format 2; run `consilium chain repair/),
    });
  });

  it('is taken over by a repair: every block, and the votes', async () => {
    await writeFormer();
    const options = { chain: test.chain, path, votesLost: false, voteAfter: null };
    const report = await repairChain(options);
    expect(report).toMatchObject({ outcome: 'repaired', ended: null, height: HEIGHTS });
    const store = await open();
    expect(store.head.hash).toEqual(test.tip.hash);
    expect(store.mayVote(HEIGHTS + 1)).toBe(true);
    expect(store.records(HEIGHTS + 1)).toEqual([{ key: 'vote/0/soft/x', value: utf8ToBytes('soft 5') }]);
    await store.close();
    expect((await repairChain(options)).outcome).toBe('whole');
  });

  it('ends where a certificate was altered', async () => {
    await writeFormer();
    const database = await openDatabase(path, false);
    const name = `certificate/${'3'.padStart(16, '0')}`;
    const altered = new Uint8Array((await database.get(name))!);
    altered[40]! ^= 1;
    await write(database, [[{ type: 'put', key: name, value: altered }]]);
    await database.close();
    const report = await repairChain({ chain: test.chain, path, votesLost: false, voteAfter: null });
    expect(report).toMatchObject({ outcome: 'repaired', height: 2 });
  });
});
