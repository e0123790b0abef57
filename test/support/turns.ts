import { createDraft, type Scope, type StateDraft } from '../../chain/index.js';
import { levelRule, owedOf, register, setSeat, turns } from '../../contracts/index.js';
import { bytesToHex, drbg, sha256, utf8ToBytes } from '../../crypto/index.js';

export interface TurnGame {
  readonly validators: number;
  /** Validators 0 .. dishonest-1. */
  readonly dishonest: number;
  /** Levels 1 .. levels have transactions at all times; the last one is looked at. */
  readonly levels: number;
  readonly heights: number;
  readonly seed: string;
  /** Dishonest leaders take level 1 whenever they may, else any but the last one, else none. */
  readonly starve: boolean;
  /** The last level's transactions have reached one honest validator alone; the others hear of it by its claims. */
  readonly hidden: boolean;
  /** Dishonest validators claim levels that nobody sends at whenever they may. */
  readonly liars: boolean;
}

export interface TurnOutcome {
  /** Longest wait of the last level, in task blocks of others; each time it was served it waits again. */
  readonly longestWait: number;
  /** The same while it was owed. */
  readonly longestOwed: number;
  /** Heights at which it was served. */
  readonly served: number;
  /** Heights at which a leader who wanted to found no level that might go. */
  readonly stalled: number;
  /** Heights in a row without a task block, at most. */
  readonly longestStall: number;
}

/** Plays the contract's own rules with leaders drawn by the seed: no signatures, no network. */
export function playTurns(game: TurnGame): TurnOutcome {
  const bytes = drbg(utf8ToBytes(game.seed));
  const below = (n: number) => new DataView(bytes(4).buffer).getUint32(0) % n;
  const state: StateDraft = createDraft({ get: () => null });
  const keys = Array.from({ length: game.validators }, (_, i) => sha256(utf8ToBytes(`validator ${i}`)));
  for (const key of keys) seat(state, key);
  const contract = turns<never>();
  const flooded = Array.from({ length: game.levels }, (_, i) => i + 1);
  const starved = game.levels;
  const out = { longestWait: 0, longestOwed: 0, served: 0, stalled: 0, longestStall: 0 };
  let [waited, owed, stall] = [0, 0, 0];
  for (let height = 1; height <= game.heights; height += 1) {
    const scope = scopeAt(state, height);
    contract.beginBlock!(scope);
    const leader = below(game.validators);
    const isDishonest = leader < game.dishonest;
    const claims = (by: number, level: number) =>
      contract.methods.claim!.apply(
        { ...scope, sender: keys[by]!, level: 0, payloads: [], kept: state, spend: () => {} },
        { level },
      );
    const waiting =
      game.hidden && leader !== game.dishonest ? flooded.filter((level) => level !== starved) : flooded;
    const allowed = flooded.filter((level) => levelRule.mayHold(state, level));
    const level = isDishonest && game.starve ? unfair(allowed, starved) : levelRule.choose(state, waiting);
    const isOwed = owedOf(state).some((claim) => claim.level === starved);
    // Claims stand in the blocks of honest leaders; the first honest validator claims what is starved.
    if (game.liars) for (let by = 0; by < game.dishonest; by += 1) claims(by, game.levels + 1 + by);
    if (!isDishonest && waited > game.levels) claims(game.dishonest, starved);
    if (level === 0) {
      out.stalled += 1;
      stall += 1;
      out.longestStall = Math.max(out.longestStall, stall);
      continue;
    }
    if (!levelRule.mayHold(state, level)) throw new Error(`bug: level ${level} was chosen`);
    stall = 0;
    levelRule.noteTurn(state, level);
    if (level === starved) {
      out.served += 1;
      [waited, owed] = [0, 0];
    } else {
      waited += 1;
      owed = isOwed ? owed + 1 : 0;
    }
    out.longestWait = Math.max(out.longestWait, waited);
    out.longestOwed = Math.max(out.longestOwed, owed);
  }
  return out;
}

function unfair(allowed: readonly number[], starved: number): number {
  return allowed.includes(1) ? 1 : (allowed.find((level) => level !== starved) ?? 0);
}

/** What the contract is told of a block. */
export function scopeAt(state: StateDraft, height: number): Scope<never> {
  const block = { height, time: height, closings: new Map() } as unknown as Scope<never>['block'];
  return {
    state,
    block,
    emit: () => {},
    emitPayload: () => {
      throw new Error('turns makes no payloads');
    },
  };
}

function seat(state: StateDraft, publicKey: Uint8Array): void {
  const name = bytesToHex(publicKey).slice(0, 8);
  const account = { role: 'validator', name, hospital: name, level: 0, area: '' } as const;
  register(state, publicKey, { ...account, vrfPublicKey: publicKey }, 0);
  setSeat(state, publicKey, 'held');
}
