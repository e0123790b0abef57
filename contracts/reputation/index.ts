import type { Contract } from '../../chain/index.js';
import { beginBlock } from './apply.js';

export { scoreDevice, standingOf } from './apply.js';
export * from './state.js';

/** Points of validators and devices, and the rings that follow from them. */
export function reputation<C>(): Contract<C> {
  return { name: 'reputation', methods: {}, beginBlock };
}
