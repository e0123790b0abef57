import { reasons } from '../format.js';

export interface Mark {
  readonly round: number;
  readonly device: string;
  readonly name: string;
  readonly score: number;
  readonly qualified: boolean;
  readonly reason: string | null;
}

const WIDTH = 720;
const HEIGHT = 240;
const LEFT = 44;
const BOTTOM = 30;
const TOP = 10;

/** Every update of every round by its score: a dot qualified, a cross was refused. */
export function Strip({ marks, rounds }: { readonly marks: readonly Mark[]; readonly rounds: number }) {
  const scores = marks.map(({ score }) => score);
  const [low, high] = [Math.min(0, ...scores), Math.max(1e-9, ...scores)];
  const x = (round: number, nth: number) =>
    LEFT +
    ((round - 0.5) / Math.max(1, rounds)) * (WIDTH - LEFT - 8) +
    ((nth % 7) - 3) * Math.min(2, 120 / rounds);
  const y = (score: number) => TOP + (1 - (score - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const kept = marks.filter(({ qualified }) => qualified);
  const refused = marks.filter(({ qualified }) => !qualified);
  const ticks = ticksOf(low, high);
  const label = `Scores of ${marks.length} updates over ${rounds} rounds: ${kept.length} qualified, ${refused.length} refused`;
  return (
    <svg class="strip" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      {ticks.map((tick) => (
        <g key={tick}>
          <line class="grid" x1={LEFT} x2={WIDTH - 4} y1={y(tick)} y2={y(tick)} />
          <text class="tick" x={LEFT - 6} y={y(tick) + 4} text-anchor="end">
            {Number(tick.toPrecision(3))}
          </text>
        </g>
      ))}
      <path
        class="kept"
        d={kept.map(({ round, score }, nth) => `M ${x(round, nth)} ${y(score)} h 0`).join(' ')}
      />
      {refused.map(({ round, device, name, score, reason }, nth) => {
        const [cx, cy] = [x(round, nth), y(score)];
        return (
          <path
            key={`${round}/${device}`}
            class="refused"
            data-device={name}
            d={`M ${cx - 4} ${cy - 4} l 8 8 M ${cx - 4} ${cy + 4} l 8 -8`}
          >
            <title>{`round ${round}: ${name} refused, ${reasons[reason ?? ''] ?? reason}`}</title>
          </path>
        );
      })}
      <text class="tick" x={LEFT} y={HEIGHT - 8}>
        round 1
      </text>
      <text class="tick" x={WIDTH - 4} y={HEIGHT - 8} text-anchor="end">
        {`round ${rounds}`}
      </text>
    </svg>
  );
}

/** Three to six round numbers from `low` to `high`, 0 among them. */
function ticksOf(low: number, high: number): readonly number[] {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (rough / power > 5 ? 10 : rough / power > 2 ? 5 : rough / power > 1 ? 2 : 1);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, index) => (first + index) * step);
}
