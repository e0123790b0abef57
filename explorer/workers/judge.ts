import { base64ToBytes } from '../../crypto/bytes.js';
import { encodeRows } from '../../fl/data/encodeRows.js';
import type { DataSchema } from '../../fl/data/schema.js';
import { parseTable } from '../../fl/data/table.js';
import { evaluate } from '../../fl/model/evaluate.js';
import { type ModelSpec, parameterCount } from '../../fl/model/spec.js';
import { decodeWeights } from '../../fl/model/weights.js';
import { ask } from '../ask.js';

/** In a thread of its own, so that the page stays alive: models of rounds on rows that stay here. */
export interface ToJudge {
  readonly csv: string;
  readonly task: number;
  readonly rounds: readonly number[];
}

export interface Judged {
  readonly round: number;
  readonly rows: number;
  readonly accuracy: number;
  readonly auroc: number | null;
}

/** What is used of a worker's own scope; the types of pages have no such thing. */
const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<ToJudge>) => Promise<void>;
  postMessage(message: unknown): void;
};

scope.onmessage = async ({ data: { csv, task, rounds } }: MessageEvent<ToJudge>) => {
  try {
    const { spec } = await ask('task.get', { task });
    const table = parseTable(csv);
    if (!table.ok) throw new Error(`Line ${table.line}: ${table.text}`);
    const encoded = encodeRows(table, spec.schema as DataSchema);
    if (!encoded.ok) throw new Error(encoded.problems.map(({ text }) => text).join('; '));
    const { x, y, rows } = encoded;
    const model = spec.model as ModelSpec;
    for (const round of rounds) {
      const { bytes } = await ask('model.get', { task, round });
      const weights = decodeWeights(base64ToBytes(bytes)!, parameterCount(model))!;
      const { accuracy, auroc } = evaluate(model, weights, x, y);
      const told: Judged = { round, rows, accuracy, auroc: Number.isNaN(auroc) ? null : auroc };
      scope.postMessage(told);
    }
  } catch (error) {
    scope.postMessage({ problem: (error as Error).message });
  }
};
