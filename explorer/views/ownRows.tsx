import { useEffect, useMemo, useState } from 'preact/hooks';
import type { ResultOf } from '../../node/rpc/index.js';
import { Curve } from '../parts/curve.js';
import type { Judged, ToJudge } from '../workers/judge.js';

type Task = ResultOf<'task.get'>;

const POINTS_MAX = 60;

/** A chain has no test data. Who has rows may see how each round's model does on them; they stay on this page. */
export function OwnRows({ task, rounds }: { readonly task: Task; readonly rounds: number }) {
  const [csv, setCsv] = useState<string | null>(null);
  const [judged, setJudged] = useState<readonly Judged[]>([]);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    if (csv === null || rounds === 0) return;
    const worker = new Worker(new URL('../workers/judge.ts', import.meta.url), { type: 'module' });
    const every = Math.ceil(rounds / POINTS_MAX);
    const wanted = Array.from({ length: rounds }, (_, index) => index + 1).filter(
      (round) => round % every === 0 || round === rounds,
    );
    const known = new Set(judged.map(({ round }) => round));
    worker.onmessage = ({ data }: MessageEvent<Judged | { readonly problem: string }>) => {
      if ('problem' in data) setProblem(data.problem);
      else setJudged((before) => [...before, data].sort((a, b) => a.round - b.round));
    };
    const job: ToJudge = { csv, task: task.id, rounds: wanted.filter((round) => !known.has(round)) };
    worker.postMessage(job);
    return () => worker.terminate();
  }, [csv, rounds]);
  const lines = useMemo(
    () => [
      { name: 'accuracy', values: judged.map(({ accuracy }) => accuracy) },
      { name: 'AUROC', values: judged.map(({ auroc }) => auroc) },
    ],
    [judged],
  );
  const x = useMemo(() => judged.map(({ round }) => round), [judged]);
  const last = judged.at(-1);
  return (
    <>
      <p>
        <label>
          A CSV file with the columns of this task{' '}
          <input
            type="file"
            accept=".csv,text/csv"
            onChange={async ({ currentTarget }) => {
              const file = currentTarget.files?.[0];
              setProblem(null);
              setJudged([]);
              if (file !== undefined) setCsv(await file.text());
            }}
          />
        </label>
      </p>
      <p class="note">
        It is read here and sent nowhere. Each round’s model is fetched from the node and measured on it.
      </p>
      {problem === null ? null : (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {last === undefined ? null : (
        <>
          <p>
            After round {last.round}: accuracy {(100 * last.accuracy).toFixed(1)} %
            {last.auroc === null ? '' : `, AUROC ${last.auroc.toFixed(3)}`} on {last.rows} rows.
          </p>
          <Curve x={x} lines={lines} xName="round" label="Accuracy and AUROC by round" />
        </>
      )}
    </>
  );
}
