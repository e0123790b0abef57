import { ask } from '../ask.js';
import { useAsked } from '../live.js';
import { Answer } from '../parts/answer.js';
import { Meter } from '../parts/meter.js';

export function TasksView() {
  const asked = useAsked('tasks', () => ask('task.list', {}));
  return (
    <section>
      <h2>Tasks</h2>
      <Answer asked={asked}>
        {(tasks) =>
          tasks.length === 0 ? (
            <p class="note">
              None yet. <code>consilium task publish task.json</code> publishes one.
            </p>
          ) : (
            <table class="tasks">
              <thead>
                <tr>
                  <th class="number">no.</th>
                  <th>title</th>
                  <th class="number">level</th>
                  <th>state</th>
                  <th>rounds</th>
                </tr>
              </thead>
              <tbody>
                {[...tasks].reverse().map(({ id, title, level, status, round, rounds }) => (
                  <tr key={id}>
                    <td class="number">{id}</td>
                    <td>
                      <a href={`#/task/${id}`}>{title === '' ? '(sealed)' : title}</a>
                    </td>
                    <td class="number">{level}</td>
                    <td class={status === 'failed' ? 'bad' : undefined}>{status}</td>
                    <td>
                      {round} of {rounds}
                      <Meter used={round} of={rounds} label={`rounds of task ${id}`} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Answer>
    </section>
  );
}
