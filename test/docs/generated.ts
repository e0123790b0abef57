import { clientTypes, openrpcDocument } from './clientTypes.js';
import { configurationReference } from './configurationReference.js';
import { genesisReference } from './genesisReference.js';
import { metricsReference } from './metricsReference.js';
import { rpcReference } from './rpcReference.js';
import { scenarioReference } from './scenarioReference.js';
import { taskFileReference } from './taskFileReference.js';

/** Documents and files that are made from code. A new one is a function and a line here. */
export const generated: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/reference/configuration.md': configurationReference,
  'docs/reference/genesis.md': genesisReference,
  'docs/reference/metrics.md': metricsReference,
  'docs/reference/rpc.md': rpcReference,
  'node/client/methods.ts': clientTypes,
  'node/client/openrpc.json': openrpcDocument,
  'docs/reference/scenarios.md': scenarioReference,
  'docs/reference/task-file.md': taskFileReference,
};
