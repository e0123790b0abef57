import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, it } from 'vitest';
import { presets } from '../../genesis/index.js';
import { freePorts } from '../../node/provision/index.js';
import { createClient } from '../../node/rpc/index.js';
import { program, reached } from '../support/processes.js';
import { runCommand } from '../support/runCommand.js';

const ERA_HEIGHTS = 4;
const dir = mkdtempSync(join(tmpdir(), 'consilium-founding-'));
const running: { readonly end: () => Promise<void> }[] = [];
afterAll(async () => {
  await Promise.all(running.map(({ end }) => end()));
  rmSync(dir, { recursive: true, force: true });
});

/** A machine of a hospital: nothing of another's is ever read, but for what `send` copied. */
const machine = (name: string) => join(dir, name);
function send(from: string, to: string): void {
  mkdirSync(join(to, '..'), { recursive: true });
  copyFileSync(from, to);
}

async function consilium(...args: string[]): Promise<Record<string, unknown>> {
  const { out, errors, code } = await runCommand(...args, '--json');
  if (code !== 0) throw new Error(errors);
  return JSON.parse(out);
}

async function start(name: string): Promise<void> {
  const [command, ...first] = program;
  const child = spawn(
    command,
    [...first, 'node', 'start', '--config', join(machine(name), 'node', 'config.json')],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const ended = once(child, 'exit');
  running.push({
    end: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (JSON.parse(line).event === 'ready') return;
  }
  throw new Error(`${name} ended before it was ready`);
}

it('four machines found a network by files alone, a fifth joins it, and votes', async () => {
  const founders = ['north', 'east', 'south', 'west'];
  const ports = await freePorts(10);
  const all = [...founders, 'fifth'].map((name, index) => ({
    name,
    p2p: ports[2 * index]!,
    rpc: ports[2 * index + 1]!,
  }));
  const own = ({ p2p }: (typeof all)[number]) => ['--address', `/ip4/127.0.0.1/tcp/${p2p}`];
  const places = ({ p2p, rpc }: (typeof all)[number]) => [
    '--listen',
    `/ip4/127.0.0.1/tcp/${p2p}`,
    '--rpc-port',
    String(rpc),
  ];

  // Each hospital for itself; the card goes to north, which makes the genesis.
  for (const each of all.slice(0, 4)) {
    await consilium('init', join(machine(each.name), 'node'), '--name', each.name, ...own(each));
    send(join(machine(each.name), 'node', 'card.json'), join(machine('north'), 'cards', `${each.name}.json`));
  }
  const params = {
    ...presets.local,
    eraHeights: ERA_HEIGHTS,
    agreement: { ...presets.local.agreement, heartbeatMs: 200 },
  };
  writeFileSync(join(machine('north'), 'params.json'), JSON.stringify(params));
  const { digest } = await consilium(
    ...['genesis', 'create', join(machine('north'), 'founding'), '--name', 'study'],
    ...['--params', join(machine('north'), 'params.json')],
    ...founders.map((name) => join(machine('north'), 'cards', `${name}.json`)),
  );
  // The files to each, the digest by telephone.
  const agreed = (name: string) => {
    for (const file of ['genesis.json', 'cards.json']) {
      send(join(machine('north'), 'founding', file), join(machine(name), 'mail', file));
    }
    const mail = join(machine(name), 'mail');
    return [
      '--genesis',
      join(mail, 'genesis.json'),
      '--cards',
      join(mail, 'cards.json'),
      '--expect',
      String(digest),
    ];
  };
  for (const each of all.slice(0, 4)) {
    await consilium('join', join(machine(each.name), 'node'), ...agreed(each.name), ...places(each));
  }
  await Promise.all(founders.map(start));
  const clients = all.map(({ rpc }) => createClient(`http://127.0.0.1:${rpc}`, { timeoutMs: 30_000 }));
  await Promise.all(clients.slice(0, 4).map((client) => reached(client, 3)));

  // A card for founding, and one for another chain, are told apart from one for this.
  const fifth = all[4]!;
  const node = join(machine('fifth'), 'node');
  await consilium('init', join(machine('fifth'), 'wrong'), '--name', 'fifth', ...own(fifth));
  const vote = (name: string, card: string) => {
    const { rpc } = all.find((each) => each.name === name)!;
    const keystore = join(machine(name), 'node', 'keystore.json');
    send(card, join(machine(name), 'fifth.json'));
    const file = join(machine(name), 'fifth.json');
    return runCommand(
      'validator',
      'add',
      '--card',
      file,
      '--node',
      `http://127.0.0.1:${rpc}`,
      '--keystore',
      keystore,
      '--json',
    );
  };
  const refused = await vote('north', join(machine('fifth'), 'wrong', 'card.json'));
  expect(refused.code).toBe(5);
  expect(refused.errors).toMatch(/a card for founding a network/);

  await consilium('init', node, '--name', 'fifth', ...own(fifth), ...agreed('fifth'), ...places(fifth));
  await start('fifth');
  let last: Record<string, unknown> = {};
  for (const name of founders.slice(0, 3)) {
    const { out, errors, code } = await vote(name, join(node, 'card.json'));
    expect([code, errors]).toEqual([0, '']);
    last = JSON.parse(out);
  }
  expect(last.inEffect).toBe(true);
  // The same key again is refused by the chain.
  const again = await vote('west', join(node, 'card.json'));
  expect([again.code, /validator|key|hospital/.test(again.errors)]).toEqual([10, true]);

  const joinsAt = Number(last.era) * ERA_HEIGHTS;
  await reached(clients[4]!, joinsAt + 2);
  const { committee } = await clients[4]!.call('chain.status', {});
  const { publicKey } = JSON.parse(readFileSync(join(node, 'card.json'), 'utf8'));
  expect(committee).toHaveLength(5);
  expect(committee).toContain(publicKey);
}, 300_000);
