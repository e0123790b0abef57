import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { neededRefs } from '../../../../audit/index.js';
import { payloadId, readState, treeRoot } from '../../../../chain/index.js';
import { bytesToHex } from '../../../../crypto/index.js';
import { repairChain } from '../../../../node/repair.js';
import { openDatabase, write } from '../../../../node/store/database.js';
import { key } from '../../../../node/store/entries.js';
import { openStore } from '../../../../node/store/index.js';
import { chainToJoin, JOIN_ERA, joinNetwork } from '../../../support/joining.js';
import { eventually, introduce } from '../../../support/network.js';

const test = chainToJoin();
// One height more ends an era.
while ((test.tip.height + 2) % JOIN_ERA !== 0) test.block([]);

describe('joining by a snapshot', () => {
  it.each(['memory', 'libp2p'] as const)(
    'gives a chain that begins there, with its state and open rounds, and goes on (%s)',
    async (kind) => {
      const network = await joinNetwork(test, kind);
      try {
        // The others go past the end of an era: that is what they offer.
        const height = test.tip.height + 1;
        await network.decide(height + 1);
        const other = network.servers[0]!;
        const { hash, block } = other.store.block(height)!;
        const joined = await network.join();
        expect(joined).toMatchObject({ outcome: 'joined', height });
        expect(existsSync(`${network.path}.joining`)).toBe(false);
        const opened = await network.open();
        const { store, node } = opened;
        expect(store.head.height).toBe(height);
        expect(bytesToHex(store.head.hash)).toBe(bytesToHex(hash));
        const { stateRoot, seed, leader, time } = block.header;
        expect(bytesToHex(treeRoot(store.state()))).toBe(bytesToHex(stateRoot));
        expect(node.tip).toMatchObject({ height, time });
        expect(bytesToHex(node.tip.seed)).toBe(bytesToHex(seed));
        expect(bytesToHex(node.tip.committee[0]!.publicKey)).toBe(bytesToHex(leader!));
        const needed = neededRefs(readState(store.state()));
        expect(needed.length).toBeGreaterThanOrEqual(2);
        for (const { id } of needed) expect(bytesToHex(payloadId(store.payload(id)!))).toBe(bytesToHex(id));
        expect(store.block(height)).toBeNull();
        expect(store.blockBytes(height - 1)).toBeNull();
        expect(store.abstention).toEqual({ through: null });

        await node.start();
        introduce([...network.servers, opened].map(({ transport }) => transport));
        // To the head, and on with what the others decide.
        const reached = other.node.tip.height + 1;
        await network.decide(reached);
        await eventually('the head', () => node.tip.height >= reached, 100_000);
        expect(bytesToHex(other.store.block(reached)!.hash)).toBe(bytesToHex(store.block(reached)!.hash));
        expect(opened.failures).toEqual([]);
        await node.close();
        const { chainId, tip: genesis } = test.chain;
        const options = { path: network.path, chainId, genesisState: genesis.state, create: false };
        const again = await openStore(options);
        expect(again.head.height).toBeGreaterThanOrEqual(reached);
        expect(again.base?.header.height).toBe(height);
        await again.close();
      } finally {
        await network.close();
      }
    },
    240_000,
  );

  it('leads the height after its base, with the votes in the base’s certificate', async () => {
    const led = chainToJoin({ agreement: { deadlineMs: 60_000, deadlineCapMs: 60_000 } });
    const own = led.validators[3]!;
    while (led.leader() !== own) led.block([]);
    const network = await joinNetwork(led);
    try {
      const { height } = led.tip;
      expect(await network.join()).toMatchObject({ outcome: 'joined', height });
      const { chainId, tip: genesis } = led.chain;
      const options = { path: network.path, chainId, genesisState: genesis.state, create: false };
      const store = await openStore(options);
      // The operator knows that it never voted.
      await store.abstain(0);
      await store.close();
      const opened = await network.open();
      await opened.node.start();
      introduce([...network.servers, opened].map(({ transport }) => transport));
      await network.decide(height + 1);
      const { block } = network.servers[0]!.store.block(height + 1)!;
      expect(block.header.leader && bytesToHex(block.header.leader)).toBe(bytesToHex(own.publicKey));
      expect(block.parentVotes.length).toBeGreaterThanOrEqual(3);
      expect(opened.failures).toEqual([]);
      await opened.node.close();
    } finally {
      await network.close();
    }
  }, 240_000);

  it('is what a repair of a damaged folder ends in, since its first blocks never were there', async () => {
    const network = await joinNetwork(test);
    try {
      const { path } = network;
      expect(await network.join()).toMatchObject({ outcome: 'joined' });
      const database = await openDatabase(path, false);
      await write(database, [[{ type: 'del', key: key.base }]]);
      await database.close();
      const options = { chain: test.chain, path, votesLost: false, voteAfter: null };
      const damaged = await repairChain(options);
      expect(damaged).toMatchObject({ outcome: 'repaired', height: 0, abstention: { through: null } });
      expect(await network.join()).toMatchObject({ outcome: 'joined' });
      const again = await openDatabase(path, false);
      const [name] = await again.keys({ gte: 'state/', limit: 1 }).all();
      await write(again, [[{ type: 'del', key: name! }]]);
      await again.close();
      expect(await repairChain(options)).toMatchObject({
        outcome: 'repaired',
        height: 0,
        ended: expect.stringContaining('joined by a snapshot'),
      });
    } finally {
      await network.close();
    }
  }, 240_000);
});
