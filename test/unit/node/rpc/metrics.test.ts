import { afterAll, beforeAll, expect, it } from 'vitest';
import { metricTable } from '../../../../node/rpc/metricTable.js';
import { prometheusText } from '../../../../node/rpc/prometheus.js';
import { raw, startTestNode, type TestNode } from './fixture.js';

let test: TestNode;
beforeAll(async () => {
  test = await startTestNode();
});
afterAll(() => test.close());

it('every measure of a node is in the table of metrics, and every metric of the table is served', () => {
  const measured = Object.keys(test.node.metrics()).filter((key) => !key.startsWith('refused'));
  expect(measured.filter((key) => !(key in metricTable))).toEqual([]);
  const text = prometheusText(test.context);
  for (const { name, type, help } of Object.values(metricTable)) {
    expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name}`);
  }
});

it('refused gossip is one counter by reason', () => {
  const metrics = () => ({ refusedBadSignature: 3, refusedOversize: 1 });
  const text = prometheusText({ ...test.context, metrics });
  expect(text).toContain('consilium_gossip_refused{reason="bad-signature"} 3\n');
  expect(text).toContain('consilium_gossip_refused{reason="oversize"} 1\n');
});

it('/readyz says which check fails, and with 503 that it does', async () => {
  const well = await raw(test.server, '', { method: 'GET', path: '/readyz' });
  expect([well.status, well.json]).toEqual([200, JSON.parse(JSON.stringify(test.node.health()))]);
  const { health } = test.context;
  const said = { ready: false, checks: [{ name: 'sync' as const, ok: false, detail: '99 heights behind' }] };
  Object.assign(test.context, { health: () => said });
  const ill = await raw(test.server, '', { method: 'GET', path: '/readyz' });
  expect([ill.status, ill.json]).toEqual([503, said]);
  expect((await raw(test.server, '', { method: 'GET', path: '/healthz' })).status).toBe(200);
  Object.assign(test.context, {
    health: () => ({ ready: false, checks: [{ name: 'store', ok: false, detail: 'no space' }] }),
  });
  const dead = await raw(test.server, '', { method: 'GET', path: '/healthz' });
  expect([dead.status, (dead.json as { ok: boolean }).ok]).toEqual([503, false]);
  Object.assign(test.context, { health });
});
