import { sha256, utf8ToBytes } from '../../crypto/index.js';
import { createLibp2pTransport, createMemoryNetwork } from '../../net/index.js';
import type { TransportKind } from './network.js';

export const memory: TransportKind = {
  name: 'memory',
  create: (onError) => {
    const network = createMemoryNetwork({ onError });
    return { transport: (secret, _listen, limits) => network.transport(secret, limits) };
  },
};

/** Real sockets on the loopback, on ports that the system chooses. */
export const libp2p: TransportKind = {
  name: 'libp2p',
  create: (onError) => ({
    transport: (secret, listen, limits) =>
      createLibp2pTransport({
        secret,
        chainId: sha256(utf8ToBytes('compliance')),
        listen: listen ?? ['/ip4/127.0.0.1/tcp/0'],
        limits,
        onError,
      }),
  }),
};
