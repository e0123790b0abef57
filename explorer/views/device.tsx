import { useMemo } from 'preact/hooks';
import { ask } from '../ask.js';
import { micro, reasons, whole } from '../format.js';
import { useAsked } from '../live.js';
import { Answer } from '../parts/answer.js';
import { Curve } from '../parts/curve.js';
import { Facts } from '../parts/facts.js';
import { Meter } from '../parts/meter.js';

/** Tasks that are looked through for a device, the newest ones. */
const TASKS_MAX = 20;

export function DeviceView({ words: [key] }: { readonly words: readonly string[] }) {
  return key === undefined ? <DeviceList /> : <Device device={key} />;
}

async function newestTasks() {
  const tasks = (await ask('task.list', {})).slice(-TASKS_MAX).reverse();
  return Promise.all(tasks.map(({ id }) => ask('task.get', { task: id })));
}

function DeviceList() {
  const asked = useAsked('devices', async () => {
    const tasks = await newestTasks();
    const all = new Map(tasks.flatMap(({ enrolled }) => enrolled.map(({ device, name }) => [device, name])));
    return [...all].sort(([, a], [, b]) => a.localeCompare(b, 'en', { numeric: true }));
  });
  return (
    <section>
      <h2>Devices</h2>
      <Answer asked={asked}>
        {(devices) =>
          devices.length === 0 ? (
            <p class="note">None has enrolled in a task yet.</p>
          ) : (
            <ul class="names">
              {devices.map(([device, name]) => (
                <li key={device}>
                  <a href={`#/device/${device}`}>{name}</a>
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
    </section>
  );
}

function Device({ device }: { readonly device: string }) {
  const asked = useAsked(`device/${device}`, async () => {
    const [account, tasks] = await Promise.all([ask('account.get', { publicKey: device }), newestTasks()]);
    const mine = tasks.flatMap(({ id, spec, enrolled }) => {
      const entry = enrolled.find((other) => other.device === device);
      return entry === undefined
        ? []
        : [{ id, title: spec.title, noised: spec.privacy.sigma16 > 0, ...entry }];
    });
    const datasets = [...new Set(mine.filter(({ noised }) => noised).map(({ dataset }) => dataset))];
    const ledgers = await Promise.all(
      datasets.map(async (dataset) => ({ dataset, ...(await ask('privacy.ledger', { device, dataset })) })),
    );
    return { account, mine, ledgers };
  });
  return (
    <Answer asked={asked}>
      {({ account, mine, ledgers }) => (
        <>
          <section>
            <h2>{account.name}</h2>
            <Facts
              rows={[
                ['role', account.role],
                ['hospital', account.hospital],
                ['level', String(account.level)],
                [
                  'reputation',
                  account.reputation === null
                    ? '–'
                    : `${account.reputation.points} points${account.reputation.blacklisted ? ', blacklisted' : ''}`,
                ],
                ['key', <code key="key">{device}</code>],
              ]}
            />
          </section>
          <section>
            <h2>Privacy budget</h2>
            {ledgers.length === 0 ? <p class="note">It takes part in no task that adds noise.</p> : null}
            {ledgers.map(({ dataset, unit, epsilonMicro, epsilonSpentMicro, deltaPico, charges }) => (
              <div key={dataset}>
                <p>
                  ε {micro(epsilonSpentMicro)} of {micro(epsilonMicro)} spent for each {unit}, at δ{' '}
                  {deltaPico / 1e12}, by {whole(charges)} updates.{' '}
                  <a href={`#/proof/budget/${device}`}>Check it without believing this node.</a>
                </p>
                <Meter used={epsilonSpentMicro / 1e6} of={epsilonMicro / 1e6} label="ε spent" scarce />
              </div>
            ))}
          </section>
          {mine.map(({ id, title }) => (
            <History key={id} device={device} task={id} title={title} />
          ))}
        </>
      )}
    </Answer>
  );
}

function History({
  device,
  task,
  title,
}: {
  readonly device: string;
  readonly task: number;
  readonly title: string;
}) {
  const { value: rounds } = useAsked(`history/${device}/${task}`, async () => {
    const { round } = (await ask('task.list', { from: task }))[0]!;
    return ask('task.rounds', { task, from: Math.max(1, round - 48) });
  });
  const { x, lines, refused } = useMemo(() => {
    const own = (rounds ?? []).map(({ round, verdicts }) => ({
      round,
      verdict: verdicts.find((verdict) => verdict.device === device),
    }));
    return {
      x: own.map(({ round }) => round),
      lines: [{ name: 'points', values: own.map(({ verdict }) => verdict?.points ?? null) }],
      refused: own.filter(({ verdict }) => verdict?.qualified === false),
    };
  }, [rounds, device]);
  return (
    <section>
      <h2>
        In <a href={`#/task/${task}`}>task {task}</a>: {title}
      </h2>
      {x.length === 0 ? (
        <p class="note">No round has closed yet.</p>
      ) : (
        <Curve x={x} lines={lines} xName="round" label="Reputation points by round" />
      )}
      {refused.length === 0 ? null : (
        <ul>
          {refused.map(({ round, verdict }) => (
            <li key={round}>
              Round {round}: refused, {reasons[verdict!.reason ?? ''] ?? verdict!.reason}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
