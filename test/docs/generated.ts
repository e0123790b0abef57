import { rpcReference } from './rpcReference.js';

/** Documents that are made from code. A new one is a function and a line here. */
export const generated: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/reference/rpc.md': rpcReference,
};
