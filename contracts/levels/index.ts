import { type Contract, method } from '../../chain/index.js';
import { report, set } from './apply.js';
import { reportCodec, setCodec } from './calls.js';

export * from './calls.js';
export * from './state.js';

/** What makes levels move, beside completed tasks: docs/levels.md. The levels themselves are identity's. */
export function levels<C>(): Contract<C> {
  return { name: 'levels', methods: { set: method(setCodec, set), report: method(reportCodec, report) } };
}
