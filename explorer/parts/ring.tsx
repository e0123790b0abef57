import { short } from '../format.js';

export interface Seat {
  readonly publicKey: string;
  readonly name: string;
  readonly weight: number;
}

const SIZE = 240;
const MIDDLE = SIZE / 2;
const RADIUS = 84;
const GAP = 0.03;

/** The ring: an arc for each seat as long as its weight; those drawn for the head stand out, the leader first. */
export function Ring({
  seats,
  committee,
}: {
  readonly seats: readonly Seat[];
  readonly committee: readonly string[];
}) {
  const all = seats.reduce((sum, { weight }) => sum + weight, 0);
  let from = -Math.PI / 2;
  const arcs = seats.map((seat) => {
    const span = all === 0 ? 0 : (2 * Math.PI * seat.weight) / all;
    const arc = {
      seat,
      from: from + GAP / 2,
      to: from + Math.max(span - GAP / 2, GAP),
      place: committee.indexOf(seat.publicKey),
    };
    from += span;
    return arc;
  });
  const label = `Ring of ${seats.length} validators by weight; leader ${nameOf(seats, committee[0])}`;
  return (
    <svg class="ring" viewBox={`0 0 ${SIZE} ${SIZE}`} role="img" aria-label={label}>
      {arcs.map(({ seat, from: start, to, place }) => {
        const [x, y] = point((start + to) / 2, RADIUS + 21);
        return (
          <g key={seat.publicKey} class={place === 0 ? 'leader' : place > 0 ? 'drawn' : 'idle'}>
            <title>{`${seat.name}: weight ${seat.weight}, ${place === 0 ? 'leads' : place > 0 ? `drawn as number ${place + 1}` : 'not drawn'}`}</title>
            <path d={arcPath(start, to)} />
            <text x={x} y={y}>
              {seats.length > 12 ? '' : place === 0 ? '★' : place > 0 ? place + 1 : '·'}
            </text>
          </g>
        );
      })}
      <text class="middle" x={MIDDLE} y={MIDDLE - 6}>
        leader
      </text>
      <text class="middle strong" x={MIDDLE} y={MIDDLE + 14}>
        {nameOf(seats, committee[0])}
      </text>
    </svg>
  );
}

function nameOf(seats: readonly Seat[], key: string | undefined): string {
  if (key === undefined) return 'nobody yet';
  return seats.find(({ publicKey }) => publicKey === key)?.name ?? short(key);
}

function point(angle: number, radius: number): readonly [number, number] {
  return [MIDDLE + radius * Math.cos(angle), MIDDLE + radius * Math.sin(angle)];
}

function arcPath(from: number, to: number): string {
  // A whole circle has no beginning and no end: it is drawn as two halves.
  const half = (from + to) / 2;
  const [[ax, ay], [bx, by], [cx, cy]] = [
    point(from, RADIUS),
    point(half, RADIUS),
    point(to, RADIUS),
  ] as const;
  const arc = `A ${RADIUS} ${RADIUS} 0 0 1`;
  return `M ${ax} ${ay} ${arc} ${bx} ${by} ${arc} ${cx} ${cy}`;
}
