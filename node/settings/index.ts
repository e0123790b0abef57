/** A node's configuration: one schema, from file, environment and flags. */
export { type Explained, explainSettings } from './explain.js';
export { otherVariables, type Setting, settings } from './list.js';
export {
  type Loaded,
  loadSettings,
  type Origin,
  readNodeConfig,
  type Sources,
  withoutSettings,
} from './load.js';
export { didYouMean, nearest } from './nearest.js';
export { rpcUrlOf } from './rpcUrl.js';
export { joins, type NodeConfig, type NodeConfigFile, nodeConfigSchema, readKnownBlock } from './schema.js';
