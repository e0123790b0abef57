/**
 * Why a data file cannot be used.
 *
 * unreadable     there is no such file, or it cannot be read or unpacked
 * not-csv        it is no table: a line is malformed, too long, or has more or fewer cells than the header
 * not-idx        it is no IDX file, or is cut short, or goes on after its end
 * unfit          it does not fit the schema; `problems` says where
 * too-large      more rows or numbers than may be held at once
 */
export type DataFault = 'unreadable' | 'not-csv' | 'not-idx' | 'unfit' | 'too-large';

export class DataError extends Error {
  override readonly name = 'DataError';
  constructor(
    readonly code: DataFault,
    readonly file: string,
    detail: string,
    readonly problems: readonly string[] = [],
    options?: ErrorOptions,
  ) {
    super(`${file}: ${detail}`, options);
  }
}
