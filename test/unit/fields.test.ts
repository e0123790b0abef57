import { expect, it } from 'vitest';
import { genesisFields } from '../../genesis/fields.js';
import { genesisSchema } from '../../genesis/index.js';
import { taskFields } from '../../node/client/taskFields.js';
import { taskFileSchema } from '../../node/client/taskFile.js';
import { fieldRows } from '../docs/fieldRows.js';

const files = [
  { file: 'task file', schema: taskFileSchema, meanings: taskFields, least: 'model.layers[conv2d].padding' },
  { file: 'genesis', schema: genesisSchema, meanings: genesisFields, least: 'accounts[].vrfPublicKey' },
];

it.each(files)('every field of the $file has a meaning, and no other', ({ schema, meanings, least }) => {
  const places = fieldRows(schema).map(({ place }) => place);
  expect(Object.keys(meanings)).toEqual(places);
  expect(places).toContain(least);
  expect(Object.entries(meanings).filter(([, meaning]) => meaning.length < 4)).toEqual([]);
});

it('tells bounds, defaults and what has to be given', () => {
  const rows = new Map(fieldRows(taskFileSchema).map((row) => [row.place, row]));
  expect(rows.get('clip')).toEqual({
    place: 'clip',
    bounds: 'a number, above 0 to 32767',
    fallback: 1,
    isRequired: false,
  });
  expect(rows.get('privacy')).toMatchObject({ bounds: 'an object, or null', isRequired: true });
  expect(rows.get('reward')?.bounds).toBe('0 to 2^53 − 1');
});
