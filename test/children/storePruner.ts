import { Pruner } from '../../node/pruning/pruner.js';
import { openStore } from '../../node/store/index.js';
import { createTestChain } from '../support/chain.js';

/**
 * Prunes the folder of a `trainedChain` as a node does, one payload a write so that there is time to be killed between
 * two. Says each id that is off the disk by then. Argument: the folder.
 */
const [path] = process.argv.slice(2);
const { chainId, tip } = createTestChain({ hospitals: 4, devicesEach: 2 }).chain;
const store = await openStore({ path: path!, chainId, genesisState: tip.state, create: false });
process.stdout.write(`opened ${store.head.height}\n`);
const pruner = new Pruner({
  store: {
    base: store.base,
    get head() {
      return store.head;
    },
    block: store.block,
    state: store.state,
    hasPayload: store.hasPayload,
    prunePayloads: async (ids) => {
      let bytes = 0;
      for (const id of ids) {
        bytes += await store.prunePayloads([id]);
        process.stdout.write(`pruned ${Buffer.from(id).toString('hex')}\n`);
      }
      return bytes;
    },
  },
  isWanted: () => false,
  serially: (step) => step(),
  onError: (error) => {
    throw error;
  },
});
await pruner.runOut();
process.stdout.write('done\n');
await store.close();
