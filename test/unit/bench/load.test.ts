import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createDialect, loadAccount, TRANSACTION_BYTES } from '../../../bench/load/dialect.js';
import { profileTable } from '../../../bench/load/profile.js';
import { quantile } from '../../../bench/row.js';
import { decodeTransaction, transactionHash } from '../../../chain/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { createTestChain, verified } from '../../support/chain.js';

const loaded = (accounts: number) =>
  createTestChain({
    adjust: (genesis) => ({
      ...genesis,
      accounts: [
        ...genesis.accounts,
        ...Array.from({ length: accounts }, (_, index) => ({
          publicKey: bytesToHex(loadAccount(index).publicKey),
          role: 'publisher' as const,
          name: `load-${index}`,
          hospital: '',
          level: 1,
          vrfPublicKey: null,
        })),
      ],
    }),
  });

describe('the load', () => {
  it('is lawful: transactions of 300 bytes that the chain takes and the contract accepts', () => {
    const test = loaded(2);
    const dialect = createDialect('consilium', bytesToHex(test.chain.chainId), 2, 0);
    const prepared = [dialect.prepare(0, 0), dialect.prepare(0, 1), dialect.prepare(1, 0)];
    const sent = prepared.map(({ request }) => {
      const { params } = JSON.parse(request) as { params: { transaction: string } };
      return decodeTransaction(new Uint8Array(Buffer.from(params.transaction, 'base64')));
    });
    expect(sent.map((transaction) => bytesToHex(transactionHash(transaction)))).toEqual(
      prepared.map(({ hash }) => hash),
    );
    const judged = test.build(sent.map((transaction) => verified(transaction, test.chain.chainId)));
    expect(judged.executed.receipts.map(({ ok }) => ok)).toEqual([true, true, true, true]);
    expect(Math.abs(dialect.transactionBytes - TRANSACTION_BYTES)).toBeLessThanOrEqual(2);
    const bytes = Buffer.from(
      JSON.parse(dialect.prepare(1, 1_000).request).params.transaction,
      'base64',
    ).length;
    expect(bytes).toBe(dialect.transactionBytes);
  });

  it('has task transactions of so many levels, each account at its own, of which a block takes one level', () => {
    const test = loaded(6);
    const dialect = createDialect('consilium', bytesToHex(test.chain.chainId), 6, 3);
    const sent = [0, 1, 2, 3, 4, 5].map((account) => {
      const { params } = JSON.parse(dialect.prepare(account, 0).request);
      return decodeTransaction(new Uint8Array(Buffer.from(params.transaction, 'base64')));
    });
    expect(sent.map(({ level }) => level)).toEqual([1, 2, 3, 1, 2, 3]);
    const judged = test.build(sent.map((transaction) => verified(transaction, test.chain.chainId)));
    expect(judged.block.header.level).toBe(1);
    expect(judged.block.transactions.map(({ from }) => bytesToHex(from))).toEqual(
      [0, 3].map((account) => bytesToHex(loadAccount(account).publicKey)),
    );
    expect(judged.executed.receipts.every(({ ok }) => ok)).toBe(true);
  });

  it('has transactions of the same size for the peer, each different', () => {
    const dialect = createDialect('cometbft', '', 0, 0);
    const sent = [dialect.prepare(0, 0), dialect.prepare(0, 1), dialect.prepare(1, 0)].map(({ request }) =>
      Buffer.from(JSON.parse(request).params.tx, 'base64').toString(),
    );
    expect(sent.map((text) => text.length)).toEqual([
      TRANSACTION_BYTES,
      TRANSACTION_BYTES,
      TRANSACTION_BYTES,
    ]);
    expect(new Set(sent).size).toBe(3);
    expect(sent.every((text) => text.split('=').length === 2)).toBe(true);
  });

  it.each([
    ['consilium', { result: { hash: '' } }, null],
    ['consilium', { error: { message: 'full', data: { code: 'mempool-full' } } }, /full.*mempool-full/],
    ['consilium', { error: { message: 'again', data: { code: 'already-known' } } }, null],
    ['cometbft', { result: { code: 0 } }, null],
    ['cometbft', { error: { message: 'Internal error', data: 'tx already exists in cache' } }, null],
    ['cometbft', { result: { code: 7, log: 'no' } }, /code 7: no/],
    ['cometbft', { error: { message: 'mempool is full' } }, /mempool is full/],
  ] as const)('tells a yes of %s from a no: %j', (name, answer, refusal) => {
    const dialect = createDialect(name, '00'.repeat(32), 1, 0);
    if (refusal === null) expect(dialect.refusal(answer)).toBeNull();
    else expect(dialect.refusal(answer)).toMatch(refusal);
  });
});

describe('quantile', () => {
  it.each([
    [[3, 1, 2], 0, 1],
    [[3, 1, 2], 0.5, 2],
    [[3, 1, 2], 1, 3],
    [[4, 3, 1, 2], 0.95, 4],
    [[], 0.5, Number.NaN],
  ] as const)('of %j at %d is %d', (values, q, expected) => {
    expect(quantile(values, q)).toBe(expected);
  });
});

describe('profileTable', () => {
  const dirs: string[] = [];
  afterEach(() => {
    for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true });
  });

  it('gives own time to the area of the function, or of who called it, and leaves idle time out of the shares', () => {
    const dir = mkdtempSync(join(tmpdir(), 'profile-test-'));
    dirs.push(dir);
    const node = (id: number, functionName: string, url: string, children: readonly number[] = []) => ({
      id,
      callFrame: { functionName, url, lineNumber: 0 },
      children,
    });
    const profile = {
      nodes: [
        node(1, '(root)', '', [2, 3, 5]),
        node(2, '(idle)', ''),
        node(3, 'encode', 'file:///x/dist/chain/codec.js', [4]),
        node(4, 'push', ''),
        node(5, '(garbage collector)', ''),
      ],
      samples: [2, 3, 4, 5, 2],
      timeDeltas: [0, 1_000_000, 1_000, 2_000, 1_000],
    };
    writeFileSync(join(dir, 'one.cpuprofile'), JSON.stringify(profile));
    const [areas] = profileTable(dir).split('by function');
    expect(areas).toMatch(/75\.0 % +3 ms {2}encoding/);
    expect(areas).toMatch(/25\.0 % +1 ms {2}garbage collection/);
    const [cut] = profileTable(dir, 1_003, 1_004).split('by function');
    expect(cut).toMatch(/100\.0 % +1 ms {2}garbage collection/);
  });
});
