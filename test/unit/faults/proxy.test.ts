import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Links, open } from '../../faults/links.js';
import { type LinkProxy, startProxy } from '../../faults/proxy.js';

/** Node 0 dials node 1 through the proxy. */
const FROM = 0;
const TO = 1;
const forth = (from: number, to: number) => from === FROM && to === TO;
const both = () => true;

let links: Links;
let server: Server;
let proxy: LinkProxy;
let targets: Socket[];
beforeEach(async () => {
  links = new Links();
  targets = [];
  server = createServer((socket) => {
    socket.on('error', () => {});
    targets.push(socket);
    server.emit('taken');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: targetPort } = server.address() as { port: number };
  proxy = await startProxy({ from: FROM, to: TO, targetPort, links });
});
afterEach(async () => {
  await proxy.close();
  for (const socket of targets) socket.destroy();
  server.close();
});

/** One end of a connection, and what it has got so far. */
function listenTo(socket: Socket) {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk) => {
    text += chunk;
    socket.emit('more');
  });
  return {
    socket,
    text: () => text,
    until: async (wanted: string) => {
      while (text !== wanted) await once(socket, 'more');
    },
  };
}

async function link() {
  const taken = once(server, 'taken');
  const socket = connect(proxy.port, '127.0.0.1');
  socket.on('error', () => {});
  await taken;
  return { client: listenTo(socket), target: listenTo(targets.at(-1)!) };
}
type Link = Awaited<ReturnType<typeof link>>;

/** So many bytes there and back, one by one, in the direction that is open: time for others to have come. */
async function wander({ client, target }: Link): Promise<void> {
  const before = client.text();
  for (let i = 1; i <= 20; i += 1) {
    target.socket.write('.');
    await client.until(before + '.'.repeat(i));
  }
}

/** Not `once` of node:events, which takes a reset for a failure. */
const closed = (socket: Socket) =>
  new Promise<void>((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });

describe('the proxy of a link', () => {
  it('passes bytes on both ways, in order', async () => {
    const { client, target } = await link();
    for (const part of ['a', 'b', 'c']) client.socket.write(part);
    target.socket.write('x');
    await Promise.all([target.until('abc'), client.until('x')]);
  });

  it('holds back one direction, and gives what was held when it opens', async () => {
    const cut = await link();
    const release = links.hold(forth, { ...open, cut: 'silent' });
    cut.client.socket.write('held');
    await wander(cut);
    expect(cut.target.text()).toBe('');
    release();
    await cut.target.until('held');
  });

  it('does not tell through a silent cut that the other side has gone', async () => {
    const cut = await link();
    const release = links.hold(forth, { ...open, cut: 'silent' });
    cut.client.socket.destroy();
    const other = await link();
    await wander(other);
    expect(cut.target.socket.destroyed).toBe(false);
    release();
    await closed(cut.target.socket);
  });

  it('breaks connections at a reset and takes none until it is over', async () => {
    const { client, target } = await link();
    const release = links.hold(both, { ...open, cut: 'reset' });
    await Promise.all([closed(client.socket), closed(target.socket)]);
    const refused = connect(proxy.port, '127.0.0.1').on('error', () => {});
    await closed(refused);
    expect(targets).toHaveLength(1);
    release();
    const again = await link();
    again.client.socket.write('a');
    await again.target.until('a');
  });

  it('breaks what there is at a drop, and takes the next', async () => {
    const { client, target } = await link();
    links.break((from, to) => from === TO && to === FROM);
    await Promise.all([closed(client.socket), closed(target.socket)]);
    await wander(await link());
  });

  it('delays bytes by the sum of what holds the direction, and keeps their order', async () => {
    const { client, target } = await link();
    links.hold(forth, { ...open, delayMs: 30 });
    const release = links.hold(both, { ...open, delayMs: 40 });
    const begun = performance.now();
    client.socket.write('a');
    await target.until('a');
    // A timer may fire a millisecond early.
    expect(performance.now() - begun).toBeGreaterThanOrEqual(69);
    client.socket.write('b');
    await new Promise((resolve) => setImmediate(resolve));
    release();
    client.socket.write('c');
    await target.until('abc');
  });

  it('goes on where two cuts overlapped only when both are over', async () => {
    const cut = await link();
    const first = links.hold(forth, { ...open, cut: 'silent' });
    const second = links.hold(forth, { ...open, cut: 'silent' });
    cut.client.socket.write('held');
    first();
    await wander(cut);
    expect(cut.target.text()).toBe('');
    second();
    await cut.target.until('held');
  });

  it('passes on much more than it may hold, unharmed', async () => {
    const { client, target } = await link();
    const release = links.hold(forth, { ...open, cut: 'silent' });
    const size = 4 * 1024 * 1024;
    client.socket.write('x'.repeat(size));
    await wander({ client, target });
    release();
    while (target.text().length < size) await once(target.socket, 'more');
    expect(target.text().length).toBe(size);
  });
});
