import { expect, it } from 'vitest';
import { Sync, type SyncOptions } from '../../../../node/driver/sync.js';
import { eventually } from '../../../support/network.js';

/** A sync whose peers deliver nothing; `ending` runs where a catch-up has asked its last question and is not over. */
function syncOf(ending: (times: number) => void) {
  const asked: string[] = [];
  let ended = 0;
  const options: Partial<SyncOptions> = {
    driver: {
      tip: { height: 0 },
      resume: async () => {
        ended += 1;
        ending(ended);
      },
    } as unknown as SyncOptions['driver'],
    transport: {
      serve: () => {},
      connectedPeers: () => ['a', 'b'],
      penalize: () => {},
      request: async (peer) => {
        asked.push(peer);
        throw new Error('nothing');
      },
    },
    certifier: { certify: async () => [], help: async () => false, rest: () => {}, close: async () => {} },
    clock: { monotonic: () => 0 } as SyncOptions['clock'],
    log: () => {},
  };
  return { sync: new Sync(options as SyncOptions), asked, ended: () => ended };
}

it('a claim that comes while a catch-up ends in vain is followed, though nobody repeats it', async () => {
  const { sync, asked } = syncOf((times) => {
    if (times === 1) sync.follow('b', 9);
  });
  sync.follow('a', 9);
  await eventually('both to be asked', () => asked.length === 2);
  expect(asked).toEqual(['a', 'b']);
});

it('without another claim nobody is asked again', async () => {
  const { sync, asked, ended } = syncOf(() => {});
  sync.follow('a', 9);
  await eventually('the end', () => ended() === 1);
  for (let i = 0; i < 50; i += 1) await new Promise((resolve) => setImmediate(resolve));
  expect([asked, ended()]).toEqual([['a'], 1]);
});
