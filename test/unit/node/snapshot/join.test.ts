import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { neededRefs } from '../../../../audit/index.js';
import { readState, treeRoot } from '../../../../chain/index.js';
import { eraOf } from '../../../../consensus/index.js';
import { openStore } from '../../../../node/store/index.js';
import { anchorCall, chainToJoin, JOIN_ERA, joinNetwork } from '../../../support/joining.js';
import { eventually, introduce, sign } from '../../../support/network.js';

const test = chainToJoin();

describe('joining by a snapshot', () => {
  it.each(['memory', 'libp2p'] as const)(
    'gives a chain that begins there, with its state and open rounds, and goes on (%s)',
    async (kind) => {
      const network = await joinNetwork(test, kind);
      try {
        // The end of the newest era: what the others offer.
        const height = eraOf(test.tip.height + 1, JOIN_ERA) * JOIN_ERA - 1;
        const { hash, tip } = test.blocks[height - 1]!;
        expect(await network.join()).toEqual({ outcome: 'joined', height, hash });
        expect(existsSync(`${network.path}.joining`)).toBe(false);
        const opened = await network.open();
        const { store, node } = opened;
        expect(store.head).toEqual({ height, hash });
        expect(treeRoot(store.state())).toEqual(treeRoot(tip.state));
        const { seed, leader, committee, time } = tip;
        expect(node.tip).toMatchObject({ height, seed, leader, committee, time });
        const needed = neededRefs(readState(store.state()));
        expect(needed.length).toBeGreaterThan(2);
        for (const { id } of needed) expect(store.payload(id)).toEqual(test.payloadOf(id));
        expect(store.block(height)).toBeNull();
        expect(store.blockBytes(height - 1)).toBeNull();
        expect(store.abstention).toEqual({ through: null });

        await node.start();
        introduce([...network.servers, opened].map(({ transport }) => transport));
        // To the head, and on with what the others decide.
        await eventually('the head', () => node.tip.height >= test.tip.height);
        const other = network.servers[0]!;
        await other.node.submit(sign(other.node, test.publisher, anchorCall), []);
        await eventually('the next block', () => node.tip.height > test.tip.height);
        const reached = node.tip.height;
        await eventually('the same of another', () => other.node.tip.height >= reached);
        expect(other.store.block(reached)!.hash).toEqual(store.block(reached)!.hash);
        expect(opened.failures).toEqual([]);
        await node.close();
        const { chainId, tip: genesis } = test.chain;
        const options = { path: network.path, chainId, genesisState: genesis.state, create: false };
        const again = await openStore(options);
        expect(again.head.height).toBeGreaterThanOrEqual(reached);
        expect(again.base).toMatchObject({ hash });
        await again.close();
      } finally {
        await network.close();
      }
    },
    120_000,
  );
});
