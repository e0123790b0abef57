import { clock, short, whole } from '../format.js';
import { useLive } from '../live.js';

const SHOWN = 60;

export function BlocksView() {
  const { blocks } = useLive();
  const newest = blocks.slice(-SHOWN).reverse();
  return (
    <section>
      <h2>Blocks</h2>
      {newest.length === 0 ? <p class="note">No block yet: an idle chain is quiet.</p> : null}
      <table class="blocks">
        <thead>
          <tr>
            <th class="number">height</th>
            <th>time (UTC)</th>
            <th class="number" title="transactions">
              calls
            </th>
            <th>level</th>
            <th>leader</th>
            <th>hash</th>
          </tr>
        </thead>
        <tbody>
          {newest.map(({ height, hash, time, transactions, level, leader, period }) => (
            <tr key={height}>
              <td class="number">
                <a href={`#/block/${height}`}>{whole(height)}</a>
              </td>
              <td title={clock(time)}>{clock(time).slice(11)}</td>
              <td class="number">{transactions}</td>
              <td>{level === 0 ? '–' : level}</td>
              <td>
                {leader === null ? (
                  <span class="bad">nobody (empty block)</span>
                ) : (
                  <code>{short(leader)}</code>
                )}
                {period === 0 ? null : <span class="bad"> period {period}</span>}
              </td>
              <td>
                <code title={hash}>{short(hash)}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
