import { memory } from './kinds.js';
import { describePayloadSources } from './payloadSources.js';
import { describePayloads } from './payloads.js';
import { describeTransport } from './transport.js';

describeTransport(memory);
describePayloads(memory);
describePayloadSources(memory);
