import { sha256, utf8ToBytes } from '../../crypto/index.js';
import { createLibp2pTransport } from '../../net/index.js';
import type { TransportKind } from './network.js';
import { describePayloads } from './payloads.js';
import { describeTransport } from './transport.js';

const libp2p: TransportKind = {
  name: 'libp2p',
  create: (limits, onError) => ({
    transport: (secret, listen) =>
      createLibp2pTransport({
        secret,
        chainId: sha256(utf8ToBytes('compliance')),
        listen: listen ?? ['/ip4/127.0.0.1/tcp/0'],
        limits: { dialGraceMs: 50, gossipHeartbeatMs: 100, ...limits },
        onError,
      }),
  }),
};

describeTransport(libp2p);
describePayloads(libp2p);
