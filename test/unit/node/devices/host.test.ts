import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hexToBytes } from '../../../../crypto/index.js';
import { loadDevice, startDevices } from '../../../../node/devices/index.js';
import { newKeys, writeKeystore } from '../../../../node/provision/index.js';
import { eventually } from '../../../support/network.js';
import { startTestNode, type TestNode } from '../rpc/fixture.js';

let dir: string;
let node: TestNode;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-host-'));
  mkdirSync(join(dir, 'devices'));
  node = await startTestNode();
}, 30_000);
afterAll(async () => {
  await node.close();
  rmSync(dir, { recursive: true, force: true });
});

const number = { center: 0, scale: 1, min: -10, max: 10, source: 'a test' };

/** A device's folder beside the others, as an operator would prepare it. */
function prepare(name: string): string {
  const folder = join(dir, name);
  mkdirSync(folder);
  writeKeystore(folder, newKeys('other'));
  const json = (file: string, value: unknown) => writeFileSync(join(folder, file), JSON.stringify(value));
  const label = { name: 'y', positive: '1', negative: '0' };
  json('schema.json', { label, features: [{ name: 'a', ...number }] });
  writeFileSync(join(folder, 'data.csv'), 'a,y\n1,0\n2,1\n');
  const data = { data: 'data.csv', schema: 'schema.json', attack: null, attackFromRound: 1 };
  json('device.json', { version: 1, name, ...data, epsilonMicro: 0, deltaPico: 0 });
  return folder;
}

describe('hosted devices', () => {
  it('are taken up when their folder comes, and again when their key changes', async () => {
    const said: string[] = [];
    const { chainId } = await node.client.call('chain.status', {});
    const hosted = await startDevices({
      folder: join(dir, 'devices'),
      chainId: hexToBytes(chainId),
      clients: [node.client],
      threads: 1,
      log: (_, event, fields) => void said.push(`${event} ${JSON.stringify(fields)}`),
      caughtUp: async () => {},
      lookEveryMs: 20,
    });
    try {
      expect(hosted.names()).toEqual([]);
      const place = join(dir, 'devices', 'late');
      renameSync(prepare('late'), place);
      await eventually('the device', () => hosted.names().includes('late'));
      const before = await loadDevice(place);
      rmSync(join(place, 'password'));
      rmSync(join(place, 'keystore.json'));
      writeKeystore(place, newKeys('other'));
      const taken = () => said.filter((line) => line.startsWith('device-taken-up')).length;
      await eventually('the new key', () => taken() === 2);
      expect(hosted.names()).toEqual(['late']);
      const after = await loadDevice(place);
      expect(after.publicKey).not.toEqual(before.publicKey);
      expect(after.dataset).toEqual(before.dataset);
      // One that cannot be loaded is named once, and hinders nobody.
      mkdirSync(join(dir, 'devices', 'broken'));
      writeFileSync(join(dir, 'devices', 'broken', 'device.json'), '{');
      await eventually('the complaint', () => said.some((line) => line.startsWith('device-not-loaded')));
      renameSync(prepare('later'), join(dir, 'devices', 'later'));
      await eventually('the other device', () => hosted.names().length === 2);
      expect(
        said.filter((line) => line.startsWith('device-not-loaded') && line.includes('broken')),
      ).toHaveLength(1);
    } finally {
      await hosted.close();
    }
  }, 30_000);
});
