import { ask } from '../ask.js';
import { clock, short, whole } from '../format.js';
import { useAsked } from '../live.js';
import { Answer } from '../parts/answer.js';
import { Facts } from '../parts/facts.js';

export function BlockView({ words: [word = ''] }: { readonly words: readonly string[] }) {
  const height = Number(word);
  const asked = useAsked(`block/${height}`, () => ask('chain.block', { height }));
  return (
    <section>
      <h2>Block {whole(height)}</h2>
      <p>
        <a href={`#/block/${height - 1}`}>← {whole(height - 1)}</a> ·{' '}
        <a href={`#/block/${height + 1}`}>{whole(height + 1)} →</a>
      </p>
      <Answer asked={asked}>
        {(block) => (
          <>
            <Facts
              rows={[
                ['hash', <code key="hash">{block.hash}</code>],
                ['time', `${clock(block.time)} UTC`],
                [
                  'leader',
                  block.leader === null ? (
                    'nobody: the empty block'
                  ) : (
                    <code key="leader">{short(block.leader)}</code>
                  ),
                ],
                [
                  'certificate',
                  `${block.certificate.signers} signatures, period ${block.certificate.period}`,
                ],
                ['state root', <code key="root">{block.stateRoot}</code>],
              ]}
            />
            <h3>Transactions</h3>
            {block.transactions.length === 0 ? <p class="note">None.</p> : null}
            <table>
              <thead>
                <tr>
                  <th>call</th>
                  <th>from</th>
                  <th>outcome</th>
                  <th>hash</th>
                </tr>
              </thead>
              <tbody>
                {block.transactions.map(({ hash, from, contract, method, ok, code }) => (
                  <tr key={hash}>
                    <td>
                      {contract}.{method}
                    </td>
                    <td>
                      <a href={`#/device/${from}`}>
                        <code>{short(from)}</code>
                      </a>
                    </td>
                    <td class={ok ? undefined : 'bad'}>{ok ? 'taken' : `refused: ${code}`}</td>
                    <td>
                      <a href={`#/proof/transaction/${hash}`} title="check it without believing this node">
                        <code>{short(hash)}</code>
                      </a>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </>
        )}
      </Answer>
    </section>
  );
}
