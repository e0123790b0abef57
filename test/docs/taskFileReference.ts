import { taskFields } from '../../node/client/taskFields.js';
import { taskFileSchema } from '../../node/client/taskFile.js';
import { fieldRows, fieldTable } from './fieldRows.js';

/** docs/reference/task-file.md. Pure. */
export function taskFileReference(): string {
  return `# The task file

Made by \`npm run docs\` from the file's schema (\`node/client/taskFile.ts\`) and what its fields mean (\`node/client/taskFields.ts\`).

JSON, with \`//\` comments, for \`consilium task publish\`; \`consilium new\` writes one, and so does \`consilium demo\`. A field that there is not is refused, and so is a file that does not hold together: before it is sent, with its place, or by the contract with a [reason](../errors.md#refusals-by-a-contract), which bounds some fields more narrowly than this table. Of \`model.layers\` each entry is of one kind, with the fields of that kind.

${fieldTable(fieldRows(taskFileSchema), taskFields)}
`;
}
