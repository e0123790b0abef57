import { bool, cell } from '../../chain/index.js';

/** Written once for each account that a task's publisher has reported. By task and the account's id in hex. */
export const reportedCell = cell('levels/reported', bool);
