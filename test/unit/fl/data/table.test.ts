import { describe, expect, it } from 'vitest';
import {
  CELL_CHARS_MAX,
  parseTable,
  selectRows,
  TABLE_BYTES_MAX,
  TABLE_COLUMNS_MAX,
  TABLE_ROWS_MAX,
} from '../../../../fl/index.js';

function fault(text: string): [string, number] {
  const result = parseTable(text);
  if (result.ok) throw new Error('it parsed');
  expect(result.text).not.toBe('');
  return [result.reason, result.line];
}

describe('parseTable', () => {
  it('reads names and rows, trimmed, with quotes, a byte order mark and blank lines', () => {
    const result = parseTable('\ufeffa , "b,c"\r\n1, 2\r\n\r\n"x ""y""",\r\n');
    expect(result).toEqual({
      ok: true,
      header: ['a', 'b,c'],
      rows: [
        ['1', '2'],
        ['x "y"', ''],
      ],
      lines: [2, 4],
    });
  });

  it.each([
    ['', 'empty', 1],
    ['\n\n', 'empty', 1],
    ['a,b\n', 'no-rows', 1],
    ['a,b\n1,2\n3\n', 'ragged', 3],
    ['a,b\n1,2,3\n', 'ragged', 2],
    ['a,b\n\n\n1\n', 'ragged', 4],
    ['a,a\n1,2\n', 'duplicate-column', 1],
    ['a, a\n1,2\n', 'duplicate-column', 1],
    ['a,\n1,2\n', 'unnamed-column', 1],
    ['a,b\n1,"2\n', 'malformed', 2],
    [`a,b\n1,${'x'.repeat(CELL_CHARS_MAX + 1)}\n`, 'cell-too-long', 2],
    [`${'x'.repeat(CELL_CHARS_MAX + 1)}\n1\n`, 'cell-too-long', 1],
  ])('names the first fault and its line: %j', (text, reason, line) => {
    expect(fault(text)).toEqual([reason, line]);
  });

  it('bounds columns, rows and characters, and takes just as many', () => {
    const wide = (columns: number) => Array.from({ length: columns }, (_, i) => `c${i}`).join(',');
    const cells = (columns: number) => Array.from({ length: columns }, () => '1').join(',');
    expect(fault(`${wide(TABLE_COLUMNS_MAX + 1)}\n${cells(TABLE_COLUMNS_MAX + 1)}\n`)[0]).toBe(
      'too-many-columns',
    );
    expect(parseTable(`${wide(TABLE_COLUMNS_MAX)}\n${cells(TABLE_COLUMNS_MAX)}\n`).ok).toBe(true);
    expect(fault(`a\n${'1\n'.repeat(TABLE_ROWS_MAX + 1)}`)[0]).toBe('too-many-rows');
    expect(parseTable(`a\n${'1\n'.repeat(TABLE_ROWS_MAX)}`).ok).toBe(true);
    expect(fault('x'.repeat(TABLE_BYTES_MAX + 1))[0]).toBe('too-large');
  });
});

describe('selectRows', () => {
  it('keeps the order asked for and the lines of the file', () => {
    const table = parseTable('a\n\n5\n6\n7\n');
    if (!table.ok) throw new Error(table.text);
    expect(selectRows(table, [2, 0])).toEqual({ header: ['a'], rows: [['7'], ['5']], lines: [5, 3] });
    expect(() => selectRows(table, [3])).toThrow(RangeError);
  });
});
