import { memory } from './kinds.js';
import { describePayloads } from './payloads.js';
import { describeTransport } from './transport.js';

describeTransport(memory);
describePayloads(memory);
