import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PAGE_POLICY, readPages } from '../../../../node/rpc/pages.js';
import { raw, rpc, startTestNode, type TestNode } from './fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'consilium-pages-'));
let test: TestNode;

beforeAll(async () => {
  mkdirSync(join(folder, 'assets'));
  mkdirSync(join(folder, '.hidden'));
  for (const [name, text] of [
    ['index.html', '<!doctype html>'],
    ['assets/page.js', 'export {};'],
    ['assets/.env.json', '{}'],
    ['.hidden/page.js', 'export {};'],
    ['notes.txt', 'for nobody'],
  ] as const) {
    writeFileSync(join(folder, name), text);
  }
  test = await startTestNode({ pages: folder });
}, 60_000);

afterAll(async () => {
  await test.close();
  rmSync(folder, { recursive: true, force: true });
  expect(test.bugs).toEqual([]);
});

const get = (path: string, headers = {}) => raw(test.server, '', { method: 'GET', path, headers });

describe('a node that serves pages', () => {
  it.each([
    ['/', 'text/html; charset=utf-8', '<!doctype html>'],
    ['/index.html', 'text/html; charset=utf-8', '<!doctype html>'],
    ['/assets/page.js', 'text/javascript; charset=utf-8', 'export {};'],
    ['/assets/page.js?v=1', 'text/javascript; charset=utf-8', 'export {};'],
  ])('gives %s, with what it may do', async (path, type, text) => {
    const answer = await get(path);
    expect([answer.status, answer.text]).toEqual([200, text]);
    expect(answer.headers).toMatchObject({
      'content-type': type,
      'content-security-policy': PAGE_POLICY,
      'x-content-type-options': 'nosniff',
    });
  });

  it.each([
    '/assets/',
    '/assets/.env.json',
    '/.hidden/page.js',
    '/notes.txt',
    '/assets/..%2findex.html',
    '//index.html',
  ])('gives nothing at %s', async (path) => {
    expect((await get(path)).status).toBe(404);
  });

  it('serves what was there when it began', async () => {
    writeFileSync(join(folder, 'index.html'), 'altered');
    expect((await get('/')).text).toBe('<!doctype html>');
  });

  it('still answers calls, and what else it has', async () => {
    const { json } = await raw(test.server, rpc('chain.status', {}));
    expect(json!.result).toMatchObject({ height: expect.any(Number) });
    expect((await get('/healthz')).json).toMatchObject({ ok: true });
  });

  it('gives no page to who calls it by a foreign name', async () => {
    expect((await get('/', { host: 'elsewhere.example' })).status).toBe(403);
  });

  it('takes no folder that is larger than a page may be', () => {
    const large = mkdtempSync(join(tmpdir(), 'consilium-pages-'));
    writeFileSync(join(large, 'page.js'), '');
    truncateSync(join(large, 'page.js'), 16 * 1024 * 1024 + 1);
    expect(() => readPages(large)).toThrow(RangeError);
    rmSync(large, { recursive: true });
    const many = mkdtempSync(join(tmpdir(), 'consilium-pages-'));
    for (let i = 0; i < 257; i += 1) writeFileSync(join(many, `${i}.js`), '');
    expect(() => readPages(many)).toThrow(RangeError);
    rmSync(many, { recursive: true });
  });
});
