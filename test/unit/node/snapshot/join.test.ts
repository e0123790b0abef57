import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { neededRefs } from '../../../../audit/index.js';
import { payloadId, readState, treeRoot } from '../../../../chain/index.js';
import { eraOf } from '../../../../consensus/index.js';
import { bytesToHex } from '../../../../crypto/index.js';
import { openStore } from '../../../../node/store/index.js';
import { chainToJoin, JOIN_ERA, joinNetwork } from '../../../support/joining.js';
import { eventually, introduce } from '../../../support/network.js';

const test = chainToJoin();

describe('joining by a snapshot', () => {
  it.each(['memory', 'libp2p'] as const)(
    'gives a chain that begins there, with its state and open rounds, and goes on (%s)',
    async (kind) => {
      const network = await joinNetwork(test, kind);
      try {
        // The others decide some more, past the end of an era: that is what they offer.
        const height = eraOf(test.tip.height + 1, JOIN_ERA) * JOIN_ERA + JOIN_ERA - 1;
        await network.decide(height + 2);
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
        await network.decide(height + 4);
        await eventually('the head', () => node.tip.height >= height + 4);
        const reached = height + 4;
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
    120_000,
  );
});
