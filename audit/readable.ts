import type { AuditReport, Checked, RoundsChecked } from './report.js';

/** What was audited with what: named in the report, so that it can be filed and the audit repeated. */
export interface AuditSource {
  readonly file: string;
  readonly bytes: number;
  /** SHA-256 of the whole file, in hex; null if it was not read to its end. */
  readonly sha256: string | null;
  readonly genesisFile: string;
  /** SHA-256 of the genesis file's text, in hex. */
  readonly genesisSha256: string;
  /** Version of Consilium, and of what runs it. */
  readonly software: string;
  readonly runtime: string;
  /** ISO 8601, UTC. */
  readonly finishedAt: string;
  readonly seconds: number;
}

/** Each count in a sentence: what was checked, and against what. */
const rows: readonly (readonly [keyof Checked, string, string])[] = [
  ['blocks', 'blocks', 'each names its parent’s hash; body and header agree'],
  ['emptyBlocks', 'empty blocks among them', 'each is the one that its parent leaves no choice about'],
  ['committees', 'committees', 'drawn again from seed and ring'],
  ['certificates', 'certificates', 'more than two thirds of the committee signed this very block'],
  ['certificateSignatures', 'signatures in certificates', 'each verified against a committee member’s key'],
  ['parentVotes', 'votes for parents', 'each signature verified'],
  ['seeds', 'seeds', 'each follows from the one before'],
  ['seedProofs', 'proofs of seeds', 'each leader’s VRF proof verified'],
  ['transactionSignatures', 'transaction signatures', 'each verified against the sender’s key'],
  ['transactions', 'transactions', 'each executed again'],
  ['refusals', 'refusals among them', 'each refused again, for the same reason'],
  ['payloads', 'payloads', 'each is the one that its transaction names'],
  ['updates', 'updates of devices', 'each on its lattice and under its norm cap'],
  ['verdicts', 'verdicts', 'each computed again from the updates'],
  ['models', 'models', 'each computed again from the qualified updates'],
  ['stateRoots', 'state roots', 'state, receipts and next ring compared after every block'],
  ['ledgers', 'privacy ledgers', 'none is over its budget; each charge was executed again'],
];

/** A count's name for people. */
export function labelOf(name: keyof Checked): string {
  return rows.find(([key]) => key === name)![1];
}

/** In one line: does the chain hold? */
export function verdictOf({ ok, complete }: AuditReport): string {
  if (!ok) return 'The chain does NOT hold.';
  return complete ? 'The chain holds.' : 'What could be checked holds. Not everything could be checked.';
}

/** Where the first thing that is wrong lies, in one line; null if nothing is. */
export function placeOf({ divergence }: AuditReport): string | null {
  if (divergence === null) return null;
  const { height, transaction, key } = divergence;
  const parts = [
    `height ${height}`,
    transaction === null ? null : `transaction ${transaction}`,
    key === null ? null : `key ${key}`,
  ];
  return parts.filter((part) => part !== null).join(', ');
}

/** The report as a document (Markdown) that can be filed: complete in itself, the same for the same input. Pure. */
export function formatDocument(report: AuditReport, source: AuditSource): string {
  const { divergence, unchecked, anchors, assumptions } = report;
  const sections = [
    '# Audit of a Consilium chain',
    `**${verdictOf(report)}**`,
    ...(divergence === null ? [] : [section('What is wrong first', wrong(report))]),
    section('What was audited', audited(report, source)),
    section('What was checked, and how often', checkedTable(report)),
    section('Rounds, and how their verdicts were checked', roundsTable(report.rounds)),
    section('What could not be checked', uncheckedTable(unchecked)),
    section('Anchors', anchorList(anchors)),
    section(
      'What this audit proves, and what it takes for granted',
      `${PROVES}\n\nIt takes for granted:\n\n${assumptions.map((one) => `- ${one};`).join('\n')}`,
    ),
    section('How to repeat it', repeat(report, source)),
  ];
  return `${sections.join('\n\n')}\n`;
}

const PROVES =
  'Every step that was checked is valid under the rules of this software and was signed by its committees: no verdict leaves out, adds or changes an update that a block holds, no model is other than the updates make it, and no privacy ledger was charged less than what was published.';

function section(title: string, body: string): string {
  return `## ${title}\n\n${body}`;
}

function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cellText).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
}

/** Texts of a chain are its senders’: they must not break out of their cell. */
function cellText(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').replaceAll('|', '\\|');
}

function wrong(report: AuditReport): string {
  const { reason, detail } = report.divergence!;
  return `At ${cellText(placeOf(report)!)}: \`${reason}\`: ${cellText(detail)}\n\nNothing after it was looked at.`;
}

function audited({ chainId, range, head }: AuditReport, source: AuditSource): string {
  const none = 'none';
  return table(
    ['', ''],
    [
      ['file', source.file],
      ['its size', `${source.bytes} bytes`],
      ['its SHA-256', source.sha256 ?? 'not computed: it was not read to its end'],
      ['genesis file', source.genesisFile],
      ['its SHA-256', source.genesisSha256],
      ['genesis hash (chain id)', chainId],
      ['heights that hold', range === null ? none : `${range.from} to ${range.to}`],
      ['head', `height ${head.height}, ${head.hash}`],
      ['software', source.software],
      ['runtime', source.runtime],
      ['finished', `${source.finishedAt}, after ${source.seconds.toFixed(1)} s`],
    ],
  );
}

function checkedTable({ checked }: AuditReport): string {
  return table(
    ['what', 'how often', 'how'],
    rows.map(([name, what, how]) => [what, String(checked[name]), how]),
  );
}

function roundsTable(rounds: AuditReport['rounds']): string {
  if (rounds.length === 0) return 'No round closed with a verdict in what was executed.';
  const body = rounds.map((one) => [
    String(one.task),
    `${one.from} to ${one.to}`,
    String(one.closed),
    String(one.verdicts),
    `${one.firstHeight} to ${one.lastHeight}`,
    howOf(one),
  ]);
  return table(['task', 'rounds', 'with a verdict', 'verdicts', 'closed at heights', 'how'], body);
}

function howOf({ how }: RoundsChecked): string {
  return how === 'recomputed'
    ? 'computed again from the updates'
    : 'NOT computed again: taken as marked inputs, the updates are pruned';
}

function uncheckedTable(unchecked: AuditReport['unchecked']): string {
  if (unchecked.length === 0) return 'Nothing: all that an audit checks was checked.';
  return table(
    ['what', 'how often', 'heights', 'why'],
    unchecked.map(({ what, count, first, last, why }) => [what, String(count), `${first} to ${last}`, why]),
  );
}

function anchorList(anchors: AuditReport['anchors']): string {
  if (anchors.length === 0) return 'None was given.';
  return table(
    ['height', 'hash', ''],
    anchors.map(({ height, hash, met }) => [
      String(height),
      hash,
      met ? 'the chain has it' : 'NOT in this chain',
    ]),
  );
}

function repeat({ anchors, range }: AuditReport, { file, genesisFile }: AuditSource): string {
  const from = range === null || range.from === 1 ? '' : ` --from ${range.from}`;
  const pins = anchors.map(({ height, hash }) => ` --anchor ${height}:${hash}`).join('');
  return `    consilium chain verify ${file} --genesis ${genesisFile}${from}${pins}`;
}
