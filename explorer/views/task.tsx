import { useMemo, useRef } from 'preact/hooks';
import type { ResultOf } from '../../node/rpc/index.js';
import { ask } from '../ask.js';
import { bytes, micro, reasons, short, whole } from '../format.js';
import { useAsked } from '../live.js';
import { Answer } from '../parts/answer.js';
import { Facts } from '../parts/facts.js';
import { Meter } from '../parts/meter.js';
import { Strip } from '../parts/strip.js';
import { OwnRows } from './ownRows.js';

type Round = ResultOf<'task.rounds'>[number];
type Task = ResultOf<'task.get'>;

/** Rounds are asked for once: a closed round never changes. */
function useRounds(task: number): { readonly value: readonly Round[] | null; readonly error: null | Error } {
  const known = useRef<Round[]>([]);
  return useAsked(`rounds/${task}`, async () => {
    for (;;) {
      const more = await ask('task.rounds', { task, from: known.current.length + 1 });
      if (more.length === 0) return [...known.current];
      known.current = [...known.current, ...more];
    }
  });
}

export function TaskView({ words: [word = ''] }: { readonly words: readonly string[] }) {
  const id = Number(word);
  const asked = useAsked(`task/${id}`, () => ask('task.get', { task: id }));
  const { value: rounds } = useRounds(id);
  return (
    <Answer asked={asked}>
      {(task) => (
        <>
          <section>
            <h2>
              Task {id}: {task.spec.title === '' ? '(sealed)' : task.spec.title}
            </h2>
            <TaskFacts task={task} rounds={rounds ?? []} />
          </section>
          <Verdicts task={task} rounds={rounds ?? []} />
          <section>
            <h2>Accuracy on rows of your own</h2>
            <OwnRows task={task} rounds={rounds?.length ?? 0} />
          </section>
          <Devices task={task} rounds={rounds ?? []} />
        </>
      )}
    </Answer>
  );
}

function TaskFacts({
  task: { spec, status, enrolled, round, model },
  rounds,
}: {
  readonly task: Task;
  readonly rounds: readonly Round[];
}) {
  const closed = rounds.length;
  const searched = rounds.filter((one) => one.status === 'searched').length;
  const { epsilonMicro, deltaPico, unit } = spec.privacy;
  return (
    <Facts
      rows={[
        ['state', status],
        [
          'rounds',
          <div key="rounds">
            {closed} of {spec.rounds} closed
            {searched === 0 ? '' : `, ${searched} of them to find C, with the model as it was`}
            {round === null ? '' : `; round ${round.round} has ${round.updates} updates`}
            <Meter used={closed} of={spec.rounds} label="closed rounds" />
          </div>,
        ],
        [
          'privacy',
          epsilonMicro === 0
            ? 'none: the data are declared public'
            : `ε = ${micro(epsilonMicro)} of each ${unit} over all rounds, δ = ${deltaPico / 1e12}`,
        ],
        ['level', whole(spec.level)],
        ['verification', `${spec.verification.rule}, then ${spec.aggregation}`],
        ['devices', `${enrolled.length} enrolled, quorum ${spec.quorum}`],
        ['model', model === null ? 'none yet' : `${bytes(model.size)}, ${short(model.id)}`],
      ]}
    />
  );
}

function Verdicts({ task, rounds }: { readonly task: Task; readonly rounds: readonly Round[] }) {
  const marks = useMemo(
    () =>
      rounds.flatMap(({ round, verdicts }) =>
        verdicts.map(({ device, name, qualified, reason, score16 }) => ({
          round,
          device,
          name,
          qualified,
          reason,
          score: score16 / 65_536,
        })),
      ),
    [rounds],
  );
  const refused = marks.filter(({ qualified }) => !qualified);
  return (
    <section>
      <h2>Verdicts</h2>
      <p class="note">
        Each update by what the rule <em>{task.spec.verification.rule}</em> measured of it. A dot qualified, a
        cross was refused: {marks.length - refused.length} and {refused.length} so far.
      </p>
      {marks.length === 0 ? (
        <p class="note">No round has closed yet.</p>
      ) : (
        <Strip marks={marks} rounds={task.spec.rounds} />
      )}
      {refused.length === 0 ? null : (
        <details open={refused.length <= 12}>
          <summary>Refused updates, and why</summary>
          <table id="refused">
            <thead>
              <tr>
                <th class="number">round</th>
                <th>device</th>
                <th>why</th>
                <th class="number">score</th>
              </tr>
            </thead>
            <tbody>
              {refused
                .slice(-100)
                .reverse()
                .map(({ round, device, name, reason, score }) => (
                  <tr key={`${round}/${device}`}>
                    <td class="number">{round}</td>
                    <td>
                      <a href={`#/device/${device}`}>{name}</a>
                    </td>
                    <td>{reasons[reason ?? ''] ?? reason}</td>
                    <td class="number">{score.toFixed(2)}</td>
                  </tr>
                ))}
            </tbody>
          </table>
        </details>
      )}
    </section>
  );
}

function Devices({ task, rounds }: { readonly task: Task; readonly rounds: readonly Round[] }) {
  // The last round wins: a device that is on the blacklist has no verdict in those after it.
  const newest = new Map(
    rounds.flatMap(({ verdicts }) => verdicts.map((verdict) => [verdict.device, verdict] as const)),
  );
  const devices = [...task.enrolled].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  return (
    <section>
      <h2>Devices</h2>
      <table>
        <thead>
          <tr>
            <th>device</th>
            <th class="number">units</th>
            <th>latest verdict</th>
            <th class="number">points</th>
          </tr>
        </thead>
        <tbody>
          {devices.map(({ device, name, units }) => {
            const verdict = newest.get(device);
            return (
              <tr key={device}>
                <td>
                  <a href={`#/device/${device}`}>{name}</a>
                </td>
                <td class="number">{whole(units)}</td>
                <td class={verdict?.qualified === false ? 'bad' : undefined}>
                  {verdict === undefined
                    ? '–'
                    : verdict.blacklisted
                      ? 'blacklisted'
                      : verdict.qualified
                        ? 'qualified'
                        : `refused: ${reasons[verdict.reason ?? '']}`}
                </td>
                <td class="number">{verdict?.points ?? '–'}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
