import { bytesToHex } from '../../crypto/index.js';
import { createLibp2pTransport } from '../../net/index.js';
import { openNode } from '../../test/support/network.js';
import { benchChain } from './chain.js';

/**
 * A validator of the bench's chain in a process of its own, until its parent goes: `node server.js FOLDER INDEX`.
 * Says on which address it listens.
 */
const [path = '', index = '0'] = process.argv.slice(2);
const test = benchChain();
const { chainId } = test.chain;
const who = test.validators[Number(index)]!;
const transport = createLibp2pTransport({
  secret: who.secret,
  chainId,
  listen: ['/ip4/127.0.0.1/tcp/0'],
  onError: () => {},
});
const { node } = await openNode({ chain: test.chain, who, path, transport });
await node.start();
transport.setPeers(test.validators.map(({ publicKey }) => ({ key: bytesToHex(publicKey), addresses: [] })));
process.on('disconnect', () => process.exit(0));
process.send?.({ key: transport.self, addresses: transport.addresses() });
