import type { ByBlock, LightFinding } from '../light/index.js';
import { formatColumns } from './io.js';

/** What was proved, for people. Pure. */
export function formatFinding(finding: LightFinding): string {
  switch (finding.kind) {
    case 'transaction':
      return formatTransaction(finding);
    case 'budget':
      return formatBudget(finding);
    case 'model':
      return formatModel(finding);
    case 'key':
      return formatKey(finding);
    default:
      return finding satisfies never;
  }
}

type Of<K extends LightFinding['kind']> = Extract<LightFinding, { readonly kind: K }>;

function formatTransaction(finding: Of<'transaction'>): string {
  const { ok, code, detail, update } = finding;
  const rows = [
    ['call', `${finding.contract}.${finding.method} ${JSON.stringify(finding.args)}`],
    ['from', `${finding.from}, nonce ${finding.nonce}`],
    ['outcome', ok ? 'taken' : `refused (${code}): ${detail}`],
  ];
  for (const event of finding.events) rows.push(['event', `${event.contract} ${event.kind}`]);
  if (update !== null) rows.push(['verdict', verdictText(update)], ['as of', placeText(update.by)]);
  return [`Proved: transaction ${finding.hash} is in ${placeText(finding.in)}.`, formatColumns(rows)].join(
    '\n',
  );
}

function verdictText({ closed, verdict, round }: NonNullable<Of<'transaction'>['update']>): string {
  if (!closed) return `round ${round} has not ended`;
  if (verdict === null) return `round ${round} counted no update of this device`;
  const standing = `${verdict.points} points${verdict.blacklisted ? ', blacklisted' : ''}`;
  return verdict.qualified ? `qualified; ${standing}` : `refused (${verdict.reason}); ${standing}`;
}

function formatBudget({ device, by, declared, complete, ledgers }: Of<'budget'>): string {
  const rows = ledgers.map(({ dataset, epsilonMicro, epsilonSpentMicro, deltaPico, charges }) => [
    dataset,
    `ε ${epsilonSpentMicro / 1e6} of ${epsilonMicro / 1e6}`,
    `δ ${deltaPico / 1e12}`,
    `${charges} updates`,
  ]);
  const rest = declared - ledgers.length;
  const lines = [`Proved: device ${device} declared ${declared} datasets, as of ${placeText(by)}.`];
  if (rows.length > 0) lines.push(formatColumns(rows));
  if (!complete) lines.push(`${rest} of them are not listed: name each with --dataset ID.`);
  return lines.join('\n');
}

function formatModel({ task, round, by, closed }: Of<'model'>): string {
  if (closed === null) return `Proved: round ${round} of task ${task} has not ended, as of ${placeText(by)}.`;
  const qualified = closed.verdicts.filter((verdict) => verdict.qualified).length;
  const rows = [
    ['model', `${closed.model.id}, ${closed.model.size} bytes`],
    ['updates', `${qualified} qualified, ${closed.verdicts.length - qualified} refused`],
    ['as of', placeText(by)],
  ];
  const head = `Proved: round ${round} of task ${task} ended as ${closed.status} in block ${closed.closedHeight}.`;
  return [head, formatColumns(rows)].join('\n');
}

function formatKey({ key, by, entry }: Of<'key'>): string {
  if (entry === null) return `Proved: the state has no ${key}, as of ${placeText(by)}.`;
  const rows = [
    ['value', JSON.stringify(entry.value)],
    ['bytes', entry.bytes],
  ];
  return [`Proved: the state has ${key}, as of ${placeText(by)}.`, formatColumns(rows)].join('\n');
}

function placeText({ height, hash, time }: ByBlock): string {
  return `block ${height} (${hash.slice(0, 16)}, ${new Date(time).toISOString()})`;
}
