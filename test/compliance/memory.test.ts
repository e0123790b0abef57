import { createMemoryNetwork } from '../../net/index.js';
import type { TransportKind } from './network.js';
import { describePayloads } from './payloads.js';
import { describeTransport } from './transport.js';

const memory: TransportKind = {
  name: 'memory',
  create: (limits, onError) => createMemoryNetwork({ limits, onError }),
};

describeTransport(memory);
describePayloads(memory);
