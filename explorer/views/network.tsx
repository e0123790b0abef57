import { useEffect, useMemo, useState } from 'preact/hooks';
import { ask } from '../ask.js';
import { short, whole } from '../format.js';
import { items } from '../items.js';
import { useAsked } from '../live.js';
import { Answer } from '../parts/answer.js';
import { Curve } from '../parts/curve.js';
import { Ring } from '../parts/ring.js';

/** The weights of a ring, as the chain told them when it was made. */
interface Era {
  readonly era: number;
  readonly weights: ReadonlyMap<string, number>;
}

const ERAS_KEPT = 500;

/** Every era since the first block that this node has. */
function useEras(): readonly Era[] {
  const [eras, setEras] = useState<readonly Era[]>([]);
  useEffect(() => {
    const gone = new AbortController();
    const follow = async () => {
      const { base } = await ask('chain.status', {});
      const from = { height: base + 1, index: 0 };
      const told = { contract: 'reputation', kind: 'era', from, signal: gone.signal };
      for await (const { item } of items('events', told)) {
        const { era, ring } = item.fields as unknown as {
          readonly era: number;
          readonly ring: readonly { readonly validator: string; readonly weight: number }[];
        };
        const weights = new Map(ring.map(({ validator, weight }) => [validator, weight]));
        setEras((before) => [...before, { era, weights }].slice(-ERAS_KEPT));
      }
    };
    follow().catch(() => {});
    return () => gone.abort();
  }, []);
  return eras;
}

export function NetworkView() {
  const asked = useAsked('network', async () => {
    const [{ validators, era, eraHeights, proposals }, { committee, height }] = await Promise.all([
      ask('validator.list', {}),
      ask('chain.status', {}),
    ]);
    validators.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
    return { validators, era, eraHeights, proposals, committee, height };
  });
  return (
    <Answer asked={asked}>
      {({ validators, era, eraHeights, proposals, committee, height }) => (
        <>
          <section class="columns">
            <div>
              <h2>Committee of height {whole(height)}</h2>
              <p class="note">
                Each arc is a validator, as long as its weight. Who is drawn votes; the number is its place, ★
                leads.
              </p>
              <Ring
                seats={validators.flatMap(({ weight, ...rest }) =>
                  weight === null ? [] : [{ ...rest, weight }],
                )}
                committee={committee}
              />
            </div>
            <div>
              <h2>Validators</h2>
              <table class="validators">
                <thead>
                  <tr>
                    <th>name</th>
                    <th>hospital</th>
                    <th>seat</th>
                    <th class="number">points</th>
                    <th class="number">weight now</th>
                  </tr>
                </thead>
                <tbody>
                  {validators.map(({ publicKey, name, hospital, seat, points, weight }) => (
                    <tr key={publicKey}>
                      <td title={publicKey}>{name}</td>
                      <td>{hospital}</td>
                      <td class={seat === 'held' ? undefined : 'bad'}>{seat}</td>
                      <td class="number">{points}</td>
                      <td class="number">{weight ?? '–'}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
              <p class="note">
                Era {era}, {eraHeights} heights each. Points become weight two eras later.
              </p>
            </div>
          </section>
          <Reputation names={new Map(validators.map(({ publicKey, name }) => [publicKey, name]))} />
          {proposals.length === 0 ? null : (
            <section>
              <h2>Changes that wait for approvals</h2>
              <ul>
                {proposals.map(({ proposal, action, publicKey, candidate, approvals }) => (
                  <li key={proposal}>
                    {proposal}: {action} {candidate?.name ?? short(publicKey)}, {approvals.length} approvals
                  </li>
                ))}
              </ul>
            </section>
          )}
        </>
      )}
    </Answer>
  );
}

function Reputation({ names }: { readonly names: ReadonlyMap<string, string> }) {
  const eras = useEras();
  const { x, lines } = useMemo(() => {
    const keys = [...new Set(eras.flatMap(({ weights }) => [...weights.keys()]))];
    return {
      x: eras.map(({ era }) => era),
      lines: keys.map((key) => ({
        name: names.get(key) ?? short(key),
        values: eras.map(({ weights }) => weights.get(key) ?? null),
      })),
    };
  }, [eras, names.size]);
  return (
    <section>
      <h2>Reputation</h2>
      {eras.length < 2 ? (
        <p class="note">Weights are written at the end of an era. There is a curve after two.</p>
      ) : (
        <Curve x={x} lines={lines} xName="era" label="Weight of each validator by era" />
      )}
    </section>
  );
}
