import type { ComponentChildren } from 'preact';
import type { Asked } from '../live.js';

/** Shows what was asked for once it is there, and what went wrong beside it. */
export function Answer<T>({
  asked,
  children,
}: {
  readonly asked: Asked<T>;
  readonly children: (value: T) => ComponentChildren;
}) {
  const { value, error } = asked;
  return (
    <>
      {error === null ? null : (
        <p class="problem" role="alert">
          {[error.message, error.advice].filter((text) => text !== null).join('. ')}
        </p>
      )}
      {value === null ? error === null && <p class="loading">Asking the node…</p> : children(value)}
    </>
  );
}
