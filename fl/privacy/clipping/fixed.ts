import { AIM16_MAX, assertClipping, type ClippingRule, RATE16_MAX } from './rule.js';

/** C stays what the task says. */
export const fixed: ClippingRule = {
  asksForCount: false,
  leavesOutFalls: false,
  aim16Max: AIM16_MAX,
  rate16Max: RATE16_MAX,
  start(params) {
    assertClipping(params);
    return { clip16: params.clip16, memory: 0n };
  },
  next: (_, before) => before,
};
