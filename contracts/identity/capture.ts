import type { StateReader } from '../../chain/index.js';
import { captureRisk, exceeds, faultyOf, isCaptureBounded } from '../../consensus/index.js';
import { paramsCell } from '../params.js';

/**
 * Whether committees drawn from `after` seats may be captured, by the bound that genesis sets, and more easily than
 * those of the `before` seats that there are. A chain that is over the bound already, because evidence took seats,
 * can so come back step by step.
 *
 * Exact: the whole numbers of `captureRisk`.
 */
export function endangers(state: StateReader, before: number, after: number): boolean {
  const { members, capture, validatorReputation } = paramsCell.get(state)!;
  if (capture.allowUnsafe) return false;
  const riskOf = (validators: number) =>
    captureRisk({
      validators,
      members,
      dishonest: capture.dishonest ?? faultyOf(validators),
      ...validatorReputation,
    });
  const then = riskOf(after);
  if (isCaptureBounded(then, capture.heights)) return false;
  const now = riskOf(before);
  return exceeds(then.byCount, now.byCount) || exceeds(then.byWeight, now.byWeight);
}
