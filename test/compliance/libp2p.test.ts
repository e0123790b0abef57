import { libp2p } from './kinds.js';
import { describePayloadSources } from './payloadSources.js';
import { describePayloads } from './payloads.js';
import { describeTransport } from './transport.js';

describeTransport(libp2p);
describePayloads(libp2p);
describePayloadSources(libp2p);
