/**
 * How `consilium` ends. Stable: scripts rely on them, so a number is never used again for something else.
 * docs/cli.md lists them for users.
 */
export const exitCodes = {
  ok: 0,
  /** The command ran, and what it checked does not hold (an audit that diverges, a round that failed ...). */
  'check-failed': 1,
  /** Unknown command or option, or a value out of range. */
  usage: 2,
  /** A data file (CSV) or schema that cannot be used. */
  'bad-data': 3,
  'port-in-use': 4,
  /** A folder or chain that belongs to another genesis. */
  'other-genesis': 5,
  /** A genesis file that does not parse. */
  'bad-genesis': 6,
  /** A chain export that was cut short or is none. */
  'bad-export': 7,
  /** A configuration, keystore, password or task file that cannot be used. */
  'bad-config': 8,
  /** No node answers. */
  unreachable: 9,
  /** A node or contract refused what it was asked to do. */
  refused: 10,
  /** It took longer than its bound. */
  'timed-out': 11,
  /** A folder that holds other things, or no network. */
  'bad-folder': 12,
  /** A validator's process failed. */
  'node-failed': 13,
  /** Nothing is wrong and not everything is done: an audit that could not check all, levels that wait for an era. */
  incomplete: 14,
  /** A bug of this program. */
  internal: 70,
  /** Ended by Ctrl-C or a signal (128 + SIGINT). */
  interrupted: 130,
} as const;

export type ExitName = keyof typeof exitCodes;
