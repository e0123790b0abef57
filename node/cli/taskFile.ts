import { dirname, resolve } from 'node:path';
import { readCommentedJson } from './commentedJson.js';

export {
  parseTaskFile,
  type TaskFile,
  TaskFileError,
  taskFileSchema,
  taskSpecOf,
} from '../client/taskFile.js';

/** A task file as it lies on disk: comments are passed over, and `schema` may name a file beside it. Throws ConfigError. */
export function readTaskFile(file: string): unknown {
  const task = readCommentedJson(file);
  if (typeof task !== 'object' || task === null || !('schema' in task) || typeof task.schema !== 'string')
    return task;
  return { ...task, schema: readCommentedJson(resolve(dirname(file), task.schema)) };
}
