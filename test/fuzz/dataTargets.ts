import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  decodeSafetensors,
  encodeSafetensors,
  IDX_HEADER_MAX,
  parameterCount,
  parseTable,
  readIdxHeader,
  readIdxNumbers,
  readSchema,
} from '../../fl/index.js';
import { DataError } from '../../node/data/index.js';
import { encodeReports, parseQNetwork, parseReports, qModel } from '../../node/pmta/index.js';
import { tensorFile } from '../support/qNetwork.js';
import { root } from '../support/root.js';
import type { Target } from './run.js';
import { word } from './taking.js';

const text = new TextEncoder();

/** Files that hospitals bring: data, their schema, models. */
export function dataTargets(): readonly Target[] {
  const tensors = [
    { name: '0.weight', shape: [2, 3], data: Float32Array.of(1, -2, 3, 0, 5, 6) },
    { name: '0.bias', shape: [3], data: new Float32Array(3) },
  ];
  const schema = readFileSync(join(root, 'datasets', 'pima.schema.json'));
  return [
    {
      name: 'IDX file',
      weight: 2,
      corpus: [
        Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9),
        Uint8Array.of(0, 0, 11, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 255, 254, 1, 2),
      ],
      take: (raw) => {
        const read = readIdxHeader(raw.subarray(0, IDX_HEADER_MAX));
        // As whoever reads the file does: first its size, then the numbers.
        if (!read.ok || read.header.bytes !== raw.length) return 'refused';
        const { dimensions, headerBytes, rowNumbers } = read.header;
        const numbers = readIdxNumbers(read.header, raw.subarray(headerBytes));
        if (numbers.length !== dimensions[0]! * rowNumbers) throw new Error('numbers are missing');
        return 'accepted';
      },
    },
    {
      name: 'safetensors',
      weight: 2,
      corpus: [
        encodeSafetensors({ tensors, metadata: { format: 'pt' } }),
        encodeSafetensors({ tensors: [], metadata: {} }),
      ],
      take: (raw) => {
        const read = decodeSafetensors(raw);
        if (!read.ok) return 'refused';
        // JSON has no one form; what is written from what was read reads the same.
        const second = decodeSafetensors(encodeSafetensors(read));
        if (!second.ok || encodeSafetensors(second).length !== encodeSafetensors(read).length)
          throw new Error('what was read is written otherwise');
        return 'accepted';
      },
    },
    {
      name: 'CSV table',
      weight: 2,
      corpus: [text.encode('age,"bmi, kg",outcome\n50,31.5,1\n\n31,"2""6",0\n'), text.encode('a\r\n1\r\n')],
      take: (raw) => word(parseTable(new TextDecoder().decode(raw))),
    },
    {
      name: 'leak reports',
      weight: 1,
      corpus: [
        encodeReports([{ area: 'north', window: 0, readers: ['a', 'b'], reported: ['b'] }]),
        text.encode('{"area":"north","window":63,"readers":["a"],"reported":[]}\n\n'),
      ],
      take: (raw) => {
        try {
          const { pieces } = parseReports('reports.json', new TextDecoder().decode(raw));
          const again = parseReports('again', new TextDecoder().decode(encodeReports(pieces)));
          if (JSON.stringify(again.pieces) !== JSON.stringify(pieces)) throw new Error('written otherwise');
          return 'accepted';
        } catch (error) {
          if (error instanceof DataError) return 'refused';
          throw error;
        }
      },
    },
    {
      name: 'Q-network',
      weight: 1,
      corpus: [tensorFile(new Float32Array(parameterCount(qModel)).fill(0.5))],
      take: (raw) => {
        try {
          const { weights } = parseQNetwork('model.safetensors', raw);
          if (!weights.every(Number.isFinite)) throw new Error('weights that are not finite');
          return 'accepted';
        } catch (error) {
          if (error instanceof DataError) return 'refused';
          throw error;
        }
      },
    },
    {
      name: 'data schema',
      weight: 1,
      corpus: [new Uint8Array(schema)],
      take: (raw) => {
        try {
          return word(readSchema(JSON.parse(new TextDecoder().decode(raw))));
        } catch (error) {
          if (error instanceof SyntaxError) return 'refused';
          throw error;
        }
      },
    },
  ];
}
