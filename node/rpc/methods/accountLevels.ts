import { z } from 'zod';
import { levelRecordCell, levelRecordOf, paramsCell } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { bytes32, count, height, hex32 } from '../schemas.js';
import { accountAt, stateOf } from './find.js';
import { defineMethod } from './method.js';

export const accountLevels = defineMethod({
  summary: 'An account’s level, how it got there, and what it takes to rise. By its id or any of its keys.',
  params: z.strictObject({ publicKey: bytes32 }),
  result: z.object({
    account: hex32,
    level: count,
    /** Tasks completed at this level; with `completions` it rises by one (0: none rises by itself). */
    completed: count,
    completions: count,
    /** Changes ever; the newest follow, oldest first. Older ones: each event names the change before its own. */
    total: count,
    changes: z.array(
      z.object({
        height,
        from: count,
        to: count,
        /** A task completed, a leak that the validators believed, or the hospital's or validators' decision. */
        cause: z.enum(['completion', 'leak', 'authority']),
      }),
    ),
    /** What proof.state proves of it; absent for a level that never moved. */
    stateKey: z.string(),
  }),
  run: ({ context }, { publicKey }) => {
    const state = stateOf(context);
    const { id, account } = accountAt(state, publicKey);
    const { completed, total, changes } = levelRecordOf(state, id);
    const { completions } = paramsCell.get(state)!.levels;
    const stateKey = levelRecordCell.key(bytesToHex(id));
    const { level } = account;
    return { account: bytesToHex(id), level, completed, completions, total, changes: [...changes], stateKey };
  },
});
