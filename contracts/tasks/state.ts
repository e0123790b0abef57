import {
  bytes,
  bytesBetween,
  cell,
  type Infer,
  integer,
  list,
  oneOf,
  record,
  uint,
} from '../../chain/index.js';
import { DEVICES_MAX, taskSpecCodec, UNITS_MAX } from './calls.js';
import { CONTENT_BYTES_MAX } from './content.js';

export const TASKS_OPEN_MAX = 64;

export const taskCodec = record({
  id: uint,
  publisher: bytes(32),
  spec: taskSpecCodec,
  /** `ending`: withdrawn, while a round is open that holds updates; it closes first. */
  status: oneOf('enrolling', 'running', 'ending', 'done', 'failed', 'withdrawn'),
  publishedHeight: uint,
  enrolUntil: uint,
});
export type Task = Infer<typeof taskCodec>;

const enrolledCodec = record({ device: bytes(32), units: integer(1, UNITS_MAX), dataset: bytes(32) });
export type Enrolled = Infer<typeof enrolledCodec>;

/** Tasks ever published, of either kind; ids run from 1 to this. */
export const taskCountCell = cell('tasks/count', uint);
export const taskCell = cell('tasks/task', taskCodec);
/** Ids of training tasks that have not ended, ascending. */
export const openTasksCell = cell('tasks/open', list(uint, TASKS_OPEN_MAX));
/** Sealed content of a task, encoded (`SealedContent`); absent for one that has its title in clear. */
export const contentCell = cell('tasks/content', bytesBetween(1, 2 * CONTENT_BYTES_MAX));
/** Admitted devices of a task, sorted by device. */
export const enrolledCell = cell('tasks/enrolled', list(enrolledCodec, DEVICES_MAX));
