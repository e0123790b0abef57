import { type AgreementEffect, eraOf, type MemberVote } from '../../consensus/index.js';
import type { SimBlock, SimChain, SimTip } from './chain.js';
import type { SimNode } from './node.js';
import { BEGIN_MS_MAX, PAYLOAD_BYTES_MAX, type RunPlan } from './plan.js';

/** What there is to find, and what it means. */
export const FINDINGS = {
  fork: 'two honest nodes committed different blocks at one height',
  'state-differs': 'honest nodes hold the same block and different states',
  'not-held': 'an honest node committed a block whose body it does not have',
  'not-valid': 'an honest node committed a block that breaks a rule of the chain',
  'wrong-ring':
    'an honest node agreed with others than those who had seats at the end of the era before the last',
  'bad-certificate': 'an honest node committed with a certificate that is none',
  'accused-honest': 'an honest machine reports an offence of an honest node',
  stalled: 'nobody honest committed anything for too long after the network healed',
  'only-empty': 'all was well from the beginning, and yet every block is the empty one',
} as const;

export type FindingKind = keyof typeof FINDINGS;

export interface Finding {
  readonly kind: FindingKind;
  readonly detail: string;
}

export class Found extends Error {
  constructor(readonly finding: Finding) {
    super(`${finding.kind}: ${finding.detail}`);
  }
}

/**
 * Sees everything, tells nobody, and asks none of the code under test: it has a chain of its own, which is
 * never the broken one.
 */
export class Observer {
  /** The chain that the first honest node to commit each height made, checked. */
  readonly decided: SimTip[];
  readonly isEmptyAt: boolean[] = [];
  votes = 0;
  periodMax = 0;
  periodsAfterHealing = 0;
  ringChanges = 0;
  /** By height: the highest period of an honest node when the network healed. */
  private readonly periodAtHealing = new Map<number, number>();
  private hasHealed = false;

  constructor(
    private readonly plan: RunPlan,
    private readonly truth: SimChain,
    private readonly tell: (line: () => string) => void,
  ) {
    this.decided = [truth.genesis];
  }

  healed(nodes: readonly SimNode[]): void {
    this.hasHealed = true;
    for (const { isHonest, height, state } of nodes) {
      if (!isHonest) continue;
      const known = this.periodAtHealing.get(height) ?? 0;
      this.periodAtHealing.set(height, Math.max(known, state?.period ?? 0));
    }
  }

  note(node: SimNode, vote: MemberVote): void {
    this.votes++;
    this.tell(() => `node ${node.index} h${vote.height} ${show(vote)}`);
    if (!node.isHonest) return;
    this.periodMax = Math.max(this.periodMax, vote.period);
    if (!this.hasHealed) return;
    const periods = vote.period - (this.periodAtHealing.get(vote.height) ?? 0);
    this.periodsAfterHealing = Math.max(this.periodsAfterHealing, periods);
  }

  /** Every commit of an honest node: the same value as everybody's, certified, held, valid. */
  checkCommit(node: SimNode, block: SimBlock | null, value: string, votes: readonly MemberVote[]): void {
    const { height } = node;
    const period = votes[0]?.period;
    this.tell(() => `node ${node.index} h${height} commits ${value} certified in period ${period}`);
    if (!node.isHonest) return;
    const where = `node ${node.index} commits ${value} at height ${height}`;
    const known = this.decided[height];
    if (known && known.value !== value) throw found('fork', `${where}, another node ${known.value}`);
    const parent = this.decided[height - 1]!;
    if (this.plan.membership) this.checkRing(node, parent);
    if (!this.isCertificate(parent, value, votes)) throw found('bad-certificate', where);
    if (!block) throw found('not-held', where);
    if (known) return;
    const tip = this.truth.execute(parent, block);
    if (!tip) throw found('not-valid', where);
    this.decided[height] = tip;
    this.isEmptyAt[height] = block.leader === null;
    if (!this.plan.membership || height === 1) return;
    if (this.ringOf(height).join() !== this.ringOf(height - 1).join()) this.ringChanges++;
  }

  /** With whom a node agreed, against the seats that the decided blocks gave and took: no committee is believed. */
  private checkRing({ index, height, committee }: SimNode, parent: SimTip): void {
    const expected = this.ringOf(height).join(' ');
    for (const agreed of [committee, this.truth.committee(parent)]) {
      const nodes = [...agreed].sort((a, b) => a - b).join(' ');
      if (nodes === expected) continue;
      throw found('wrong-ring', `node ${index} at height ${height} with ${nodes}, not ${expected}`);
    }
  }

  /** Everybody with a seat at the end of the era before the previous one. */
  private ringOf(height: number): readonly number[] {
    const { eraHeights } = this.truth;
    const era = eraOf(height, eraHeights);
    return this.truth.seats(this.decided[era < 2 ? 0 : (era - 1) * eraHeights - 1]!);
  }

  /** The state that an honest node has after the block that it commits. */
  checkState(node: SimNode, { height, stateRoot }: SimTip): void {
    if (!node.isHonest || this.decided[height]!.stateRoot === stateRoot) return;
    throw found('state-differs', `node ${node.index} at height ${height}`);
  }

  /** An honest node's accusation must never hit an honest node. */
  accuse(
    by: SimNode,
    accused: SimNode,
    effect: Extract<AgreementEffect, { kind: 'offence' | 'two-proposals' }>,
  ): void {
    const what = effect.kind === 'offence' ? `${show(effect.first)} and ${show(effect.second)}` : effect.kind;
    this.tell(() => `node ${by.index} accuses node ${accused.index}: ${what}`);
    if (by.isHonest && accused.isHonest) throw found('accused-honest', `node ${accused.index}: ${what}`);
  }

  /** After a run: a network that was well from the beginning, of honest nodes, must carry blocks. */
  checkBlocks(): void {
    const { network, params, strategies, heights, idleMsMax, bodiesTravelAlong } = this.plan;
    const hops = bodiesTravelAlong ? 2 : 4;
    const bodyMs = PAYLOAD_BYTES_MAX / network.bytesPerMs;
    const slowestMs = BEGIN_MS_MAX + idleMsMax + hops * network.healedDelayMsMax + bodyMs;
    // The longest deadline, by the fastest clock.
    const longestMs = params.deadlineMs * 2 ** params.deadlineDoublingsMax * 0.9;
    const mustCarry = network.healsAt === 0 && slowestMs < longestMs && heights > params.deadlineDoublingsMax;
    if (!mustCarry || strategies.some((names) => names.length > 0)) return;
    if (this.isEmptyAt.slice(1).every((isEmpty) => isEmpty))
      throw found('only-empty', `${heights} empty blocks`);
  }

  private isCertificate(parent: SimTip, value: string, votes: readonly MemberVote[]): boolean {
    const committee = this.truth.committee(parent);
    const voters = new Set(votes.map(({ member }) => member));
    const areSigned = votes.every(
      (vote) =>
        vote.step === 'cert' &&
        vote.value === value &&
        vote.height === parent.height + 1 &&
        vote.period === votes[0]!.period &&
        this.truth.isSigned(committee[vote.member] ?? -1, vote),
    );
    return areSigned && 3 * voters.size > 2 * committee.length;
  }
}

function found(kind: FindingKind, detail: string): Found {
  return new Found({ kind, detail });
}

function show({ step, value, period }: MemberVote): string {
  return `${step}(${value ?? '⊥'}) in period ${period}`;
}
