import type { Task, TaskSpec } from '../../contracts/index.js';
import type { Refusal } from '../../fl/index.js';

/** What a chain says of a trained model: everything that its card is written from. */
export interface ModelFacts {
  readonly chain: {
    readonly id: string;
    readonly name: string;
    readonly height: number;
    readonly hash: string;
  };
  readonly task: number;
  readonly status: Task['status'];
  readonly spec: TaskSpec;
  /** In the order of the chain. */
  readonly devices: readonly DeviceFacts[];
  readonly rounds: readonly RoundFacts[];
  /** The newest model: its payload id in hex, which commits to its bytes. */
  readonly model: { readonly id: string; readonly bytes: Uint8Array };
  /** How this came to be known. */
  readonly from: 'node' | 'export';
}

export interface DeviceFacts {
  /** Public key, hex. */
  readonly id: string;
  readonly name: string;
  readonly hospital: string;
  readonly units: number;
}

export interface RoundFacts {
  readonly round: number;
  readonly status: 'closed' | 'searched' | 'failed';
  readonly verdicts: readonly VerdictFacts[];
}

export interface VerdictFacts {
  readonly device: string;
  readonly qualified: boolean;
  readonly reason: Refusal | null;
  readonly blacklisted: boolean;
}

/**
 * Why a model cannot be had.
 *
 * no-task      the chain has no task of this number
 * no-model     no round of it has begun
 * wrong-bytes  the bytes are not those that the chain names, or do not fit the model
 * not-valid    the export does not hold; audit it
 * folder-in-use  where to write it is not empty
 * no-such-form   the form that was asked for has no place for one of its layers
 * many-classes   it tells more than two classes apart, and the question is one for two
 */
export type ModelFault =
  | 'no-task'
  | 'no-model'
  | 'wrong-bytes'
  | 'not-valid'
  | 'folder-in-use'
  | 'no-such-form'
  | 'many-classes';

export class ModelError extends Error {
  override readonly name = 'ModelError';
  constructor(
    readonly code: ModelFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Throws ModelError "many-classes" unless the model gives one logit, that of the second of two classes. */
export function mustTellTwoApart({ spec }: Pick<ModelFacts, 'spec'>): void {
  const { length } = spec.schema.label.classes;
  const last = spec.model.layers.at(-1)!;
  if (last.kind === 'dense' && last.units === 1) return;
  throw new ModelError(
    'many-classes',
    `this is for models with one output, and this one has ${length} classes`,
  );
}
