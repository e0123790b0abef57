import { bytes, type Codec, integer, nullable, oneOf, PERIOD_MAX, record, uint } from '../../chain/index.js';
import type { Evidence, Statement } from '../../consensus/index.js';

const statementCodec: Codec<Statement> = record({
  step: oneOf('propose', 'soft', 'cert', 'next'),
  period: integer(0, PERIOD_MAX),
  value: nullable(bytes(32)),
  signature: bytes(64),
});

/** What `evidence.submit` takes: two statements that the accused signed at one height. */
export const evidenceCodec: Codec<Evidence> = record({
  accused: bytes(32),
  height: uint,
  first: statementCodec,
  second: statementCodec,
});
