import { setMaxListeners } from 'node:events';

/**
 * A controller for a signal that many wait on at once: all payloads of a proposal, all calls of a node's devices. Node
 * takes more than ten for a leak, and would say so in the log of every node. Those who wait are bounded elsewhere.
 */
export function createSharedAbort(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
