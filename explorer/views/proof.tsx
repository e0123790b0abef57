import { useEffect, useRef, useState } from 'preact/hooks';
import { ask } from '../ask.js';
import { clock, micro, reasons } from '../format.js';
import { useAsked } from '../live.js';
import { Facts } from '../parts/facts.js';
import type { Proved, ToProve } from '../workers/prove.js';

const kinds: Readonly<
  Record<
    ToProve['what'],
    {
      readonly title: string;
      readonly fields: readonly { readonly name: string; readonly pattern: string }[];
    }
  >
> = {
  transaction: {
    title: 'A transaction: is it in a block, and what became of it',
    fields: [{ name: 'its hash', pattern: '[0-9a-f]{64}' }],
  },
  budget: {
    title: 'A device’s privacy budget',
    fields: [{ name: 'the device’s key', pattern: '[0-9a-f]{64}' }],
  },
  model: {
    title: 'The model that a round ended with',
    fields: [
      { name: 'task', pattern: '[1-9][0-9]*' },
      { name: 'round', pattern: '[1-9][0-9]*' },
    ],
  },
  key: { title: 'Any key of the state', fields: [{ name: 'the key', pattern: '.{1,200}' }] },
};

const KNOWN = 'consilium/chain-id';

export function ProofView({
  words: [asked = 'transaction', ...given],
}: {
  readonly words: readonly string[];
}) {
  const [what, setWhat] = useState<ToProve['what']>(
    asked in kinds ? (asked as ToProve['what']) : 'transaction',
  );
  const [values, setValues] = useState<readonly string[]>(given);
  const { value: status } = useAsked('proof/chain', () => ask('chain.status', {}));
  const [chainId, setChainId] = useState(() => localStorage.getItem(KNOWN) ?? '');
  const [genesisText, setGenesisText] = useState<string | null>(null);
  const { told, run } = useProver();
  const { title, fields } = kinds[what];
  return (
    <section>
      <h2>Check a proof</h2>
      <p>
        Here this page believes no node, not even the one that it comes from. It follows the chain’s
        certificates from the genesis and checks in this browser what you ask for. All that you have to know
        is the chain id, from somebody whom you trust. This page’s own code comes from the node, too: where
        that matters, use <code>consilium light</code> on a machine of yours.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          localStorage.setItem(KNOWN, chainId);
          run({ what, values: fields.map((_, index) => values[index] ?? ''), genesisText, chainId });
        }}
      >
        <label>
          Chain id
          <input
            name="chain"
            required
            pattern="[0-9a-f]{64}"
            value={chainId}
            placeholder="64 hex digits, from your consortium"
            onInput={({ currentTarget }) => setChainId(currentTarget.value.trim())}
          />
        </label>
        {status !== null && chainId !== status.chainId ? (
          <p class="note">
            This node says <code>{status.chainId}</code>. Compare it with what your consortium told you, then{' '}
            <button type="button" class="link" onClick={() => setChainId(status.chainId)}>
              take it
            </button>
            .
          </p>
        ) : null}
        <label>
          Genesis file (left out: the node’s, which must have that chain id)
          <input
            type="file"
            accept=".json"
            onChange={async ({ currentTarget }) =>
              setGenesisText((await currentTarget.files?.[0]?.text()) ?? null)
            }
          />
        </label>
        <label>
          What
          <select
            value={what}
            onChange={({ currentTarget }) => setWhat(currentTarget.value as ToProve['what'])}
          >
            {Object.entries(kinds).map(([name, kind]) => (
              <option key={name} value={name}>
                {kind.title}
              </option>
            ))}
          </select>
        </label>
        {fields.map(({ name, pattern }, index) => (
          <label key={`${title}/${name}`}>
            {name}
            <input
              name={`value-${index}`}
              required
              pattern={pattern}
              value={values[index] ?? ''}
              onInput={({ currentTarget }) =>
                setValues(
                  fields.map((_, at) => (at === index ? currentTarget.value.trim() : (values[at] ?? ''))),
                )
              }
            />
          </label>
        ))}
        <button type="submit">Check</button>
      </form>
      <Told told={told} />
    </section>
  );
}

function useProver() {
  const [told, setTold] = useState<readonly Proved[]>([]);
  const worker = useRef<Worker | null>(null);
  const stop = () => worker.current?.terminate();
  useEffect(() => stop, []);
  const run = (job: ToProve) => {
    stop();
    setTold([{ step: 'Asking the node for its certificates…' }]);
    worker.current = new Worker(new URL('../workers/prove.ts', import.meta.url), { type: 'module' });
    worker.current.onmessage = ({ data }: MessageEvent<Proved>) => setTold((before) => [...before, data]);
    worker.current.postMessage(job);
  };
  return { told, run };
}

function Told({ told }: { readonly told: readonly Proved[] }) {
  return (
    <div class="proved" aria-live="polite">
      {told.map((proved, index) => {
        if ('step' in proved) return <p key={index}>{proved.step}</p>;
        if ('refused' in proved) {
          return (
            <p key={index} class="problem" id="refusal">
              <strong>Not proved ({proved.refused.code}).</strong> {proved.refused.message}
            </p>
          );
        }
        return <Finding key={index} {...proved} />;
      })}
    </div>
  );
}

function Finding({ finding, head }: Extract<Proved, { finding: unknown }>) {
  return (
    <div class="holds" id="finding">
      <h3>✓ Proved, by certificates up to block {head.height}</h3>
      <Facts rows={rowsOf(finding)} />
    </div>
  );
}

type Found = Extract<Proved, { finding: unknown }>['finding'];

function rowsOf(finding: Found): (readonly [string, string])[] {
  switch (finding.kind) {
    case 'transaction': {
      const { update } = finding;
      const rows: (readonly [string, string])[] = [
        ['call', `${finding.contract}.${finding.method}`],
        ['from', finding.from],
        ['block', placeOf(finding.in)],
        ['outcome', finding.ok ? 'taken' : `refused (${finding.code}): ${finding.detail}`],
      ];
      if (update !== null) rows.push([`verdict of round ${update.round}`, verdictOf(update)]);
      return rows;
    }
    case 'budget':
      return [
        ['device', finding.device],
        ['as of', placeOf(finding.by)],
        ['datasets', `${finding.declared} declared, ${finding.complete ? 'all' : 'not all'} of them below`],
        ...finding.ledgers.map(
          ({ dataset, epsilonSpentMicro, epsilonMicro, deltaPico, charges }) =>
            [
              `dataset ${dataset.slice(0, 16)}…`,
              `ε ${micro(epsilonSpentMicro)} of ${micro(epsilonMicro)} at δ ${deltaPico / 1e12}, ${charges} charges`,
            ] as const,
        ),
      ];
    case 'model': {
      const { closed } = finding;
      if (closed === null) return [['round', `has not ended, as of ${placeOf(finding.by)}`]];
      const qualified = closed.verdicts.filter((verdict) => verdict.qualified).length;
      return [
        ['model', closed.model.id],
        ['bytes', String(closed.model.size)],
        ['round', `${closed.status} in block ${closed.closedHeight}`],
        ['updates', `${qualified} qualified, ${closed.verdicts.length - qualified} refused`],
      ];
    }
    case 'key':
      return [
        ['key', finding.key],
        ['as of', placeOf(finding.by)],
        ['value', finding.entry === null ? 'the state has none' : JSON.stringify(finding.entry.value)],
      ];
  }
}

function verdictOf({
  closed,
  verdict,
}: {
  readonly closed: boolean;
  readonly verdict: { readonly qualified: boolean; readonly reason: string | null } | null;
}): string {
  if (!closed) return 'the round has not ended';
  if (verdict === null) return 'no update of this device counted';
  return verdict.qualified ? 'qualified' : `refused: ${reasons[verdict.reason ?? ''] ?? verdict.reason}`;
}

function placeOf({
  height,
  hash,
  time,
}: {
  readonly height: number;
  readonly hash: string;
  readonly time: number;
}): string {
  return `${height} (${hash.slice(0, 16)}…, ${clock(time)} UTC)`;
}
