import { genesisFields } from '../../genesis/fields.js';
import { genesisSchema, presets } from '../../genesis/index.js';
import { fieldRows, fieldTable } from './fieldRows.js';

/** docs/reference/genesis.md. Pure. */
export function genesisReference(): string {
  const local = (place: string) =>
    place.split('.').reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], {
      params: presets.local,
    });
  return `# The fields of a genesis file

Made by \`npm run docs\` from the file's schema (\`genesis/schema.ts\`) and what its fields mean (\`genesis/fields.ts\`).

What the file is for, and what holds between its fields: [genesis.md](../genesis.md). Numbers are whole, and a field that there is not is refused. Texts are bounded in bytes of UTF-8 as well. The preset \`local\` is what local networks have, and what \`consilium genesis create\` takes unless told otherwise.

${fieldTable(fieldRows(genesisSchema), genesisFields, { title: 'preset `local`', of: local })}
`;
}
