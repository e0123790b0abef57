import type { Contract } from '../../chain/index.js';

export * from './apply.js';
export * from './state.js';

/** Who is who. Accounts come from genesis; changing them by vote is a later step. */
export const identity = { name: 'identity', methods: {} } satisfies Contract<never>;
