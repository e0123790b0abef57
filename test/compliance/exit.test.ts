import { expect, it } from 'vitest';
import { NetError } from '../../net/index.js';
import { libp2p, memory } from './kinds.js';
import { TestNetwork } from './network.js';

/** What keeps the process alive. In a file of its own: other tests leave libp2p's last timers for a second. */
function resources(): readonly string[] {
  return process
    .getActiveResourcesInfo()
    .filter((name) => /^(TCP|Timeout|Immediate)/.test(name))
    .sort();
}

for (const kind of [memory, libp2p]) {
  it(`${kind.name}: leaves no socket, server or timer behind when stopped`, async () => {
    const before = resources();
    const network = new TestNetwork(kind);
    const [a, b, c, down] = await network.connected('a', 'b', 'c', 'down');
    a!.serve('slow', () => new Promise(() => {}), { requestBytesMax: 1, concurrentMax: 1 });
    const open = b!.request(a!.self, 'slow', new Uint8Array(1)).then(
      () => 'no error',
      (error) => (error instanceof NetError ? error.code : error),
    );
    c!.setPeers([]);
    // The others are busy dialling this one when they are stopped.
    await down!.stop();
    await network.until('a to lose it', () => !a!.connectedPeers().includes(down!.self));
    await network.stop();
    expect(await open).toBe('closed');
    // libp2p's own debounce timers run out within a second; ours are gone at once. Resources send no event.
    await expect.poll(resources, { timeout: 20_000, interval: 20 }).toEqual(before);
  });
}
