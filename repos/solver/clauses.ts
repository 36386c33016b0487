/**
 * Conflict-driven clause learning: clauses over candidates (true: installed), unit propagation by
 * two watched literals, learning at the first unique implication point, backjumping. The order of
 * decisions is left to the caller; see search.ts for the order and core.ts for the use of proofs.
 *
 * Method: Marques-Silva, Lynce, Malik, "Conflict-Driven Clause Learning SAT Solvers", Handbook of
 * Satisfiability, chapter 4; Eén, Sörensson, "An Extensible SAT-solver" (2003).
 */
import type { Candidate } from './problem.ts';

/** A candidate taken as true (`2c`) or false (`2c + 1`). */
export type Literal = number;

export const positive = (candidate: Candidate): Literal => candidate * 2;
export const negative = (candidate: Candidate): Literal => candidate * 2 + 1;
const opposite = (literal: Literal): Literal => literal ^ 1;
export const candidateOf = (literal: Literal): Candidate => literal >> 1;
export const isPositive = (literal: Literal): boolean => (literal & 1) === 0;

/** At least one of the literals holds. */
export interface Clause<F> {
  /** The first two are watched. Only their order ever changes. */
  readonly literals: Literal[];
  /** Of a clause that was given. */
  readonly fact?: F;
  /** Of a clause that was learned: those that it follows from. */
  readonly from?: readonly Clause<F>[];
}

export interface NewClause<F> {
  readonly literals: readonly Literal[];
  readonly fact: F;
}

export class ClauseSet<F> {
  /** Gives the clauses that begin to matter when a candidate becomes true; asked once for each. */
  readonly #expand: (candidate: Candidate) => Iterable<NewClause<F>>;
  readonly #expanded: Uint8Array;
  /** 0 unknown, 1 true, -1 false. */
  readonly #values: Int8Array;
  readonly #levels: Int32Array;
  readonly #reasons: (Clause<F> | undefined)[] = [];
  readonly #watches: (Clause<F>[] | undefined)[] = [];
  readonly #trail: Literal[] = [];
  /** Length of the trail at which each level begins. */
  readonly #starts: number[] = [];
  #head = 0;
  #effort = 0;

  constructor(size: number, expand: (candidate: Candidate) => Iterable<NewClause<F>>) {
    this.#expand = expand;
    this.#expanded = new Uint8Array(size);
    this.#values = new Int8Array(size);
    this.#levels = new Int32Array(size);
  }

  /** Literals looked at so far: a measure of time that is the same on every machine. */
  get effort(): number {
    return this.#effort;
  }

  get level(): number {
    return this.#starts.length;
  }

  isTrue(candidate: Candidate): boolean {
    return this.#values[candidate] === 1;
  }

  isFalse(candidate: Candidate): boolean {
    return this.#values[candidate] === -1;
  }

  /** False whatever is chosen: no choice had part in it. */
  isImpossible(candidate: Candidate): boolean {
    return this.isFalse(candidate) && this.#levels[candidate] === 0;
  }

  /** Opens a level and assumes that the candidate, which must be unknown, is true. */
  assume(candidate: Candidate): void {
    this.#starts.push(this.#trail.length);
    this.#assign(positive(candidate), undefined);
  }

  /** Adds a clause; gives it back when it is violated already. */
  add({ literals, fact }: NewClause<F>): Clause<F> | undefined {
    return this.#attach({ literals: [...new Set(literals)], fact });
  }

  /** Draws every conclusion; gives the violated clause when there is one. */
  propagate(): Clause<F> | undefined {
    while (this.#head < this.#trail.length) {
      const literal = this.#trail[this.#head++]!;
      const violated = this.#expandOnce(literal) ?? this.#visitWatches(opposite(literal));
      if (violated) return violated;
    }
    return undefined;
  }

  /**
   * Learns from a violated clause and takes back every level at which the lesson would have
   * mattered. Gives the new level; at level 0 nothing can be taken back: undefined.
   */
  learn(violated: Clause<F>): number | undefined {
    if (this.level === 0) return undefined;
    const { literals, from } = this.#analyse(violated);
    const back = literals.length > 1 ? this.#levels[candidateOf(literals[1]!)]! : 0;
    this.#undo(back);
    this.#attach({ literals, from });
    return back;
  }

  /**
   * The given clauses that a violated clause at level 0 follows from, each once. Everything false
   * at level 0 is false for good, so its reasons are part of the proof.
   */
  proof(violated: Clause<F>): Clause<F>[] {
    const seen = new Set<Clause<F>>([violated]);
    const queue = [violated];
    const given: Clause<F>[] = [];
    const visit = (clause: Clause<F> | undefined): void => {
      if (!clause || seen.has(clause)) return;
      seen.add(clause);
      queue.push(clause);
    };
    for (let clause = queue.shift(); clause; clause = queue.shift()) {
      if (clause.fact !== undefined) given.push(clause);
      clause.from?.forEach(visit);
      for (const literal of clause.literals) {
        const candidate = candidateOf(literal);
        if (this.#fails(literal) && this.#levels[candidate] === 0) visit(this.#reasons[candidate]);
      }
    }
    return given;
  }

  #fails(literal: Literal): boolean {
    return this.#values[candidateOf(literal)] === (isPositive(literal) ? -1 : 1);
  }

  #holds(literal: Literal): boolean {
    return this.#values[candidateOf(literal)] === (isPositive(literal) ? 1 : -1);
  }

  #assign(literal: Literal, reason: Clause<F> | undefined): void {
    const candidate = candidateOf(literal);
    this.#values[candidate] = isPositive(literal) ? 1 : -1;
    this.#levels[candidate] = this.level;
    this.#reasons[candidate] = reason;
    this.#trail.push(literal);
  }

  #undo(level: number): void {
    const start = this.#starts[level]!;
    for (const literal of this.#trail.splice(start)) this.#values[candidateOf(literal)] = 0;
    this.#starts.length = level;
    this.#head = start;
  }

  #expandOnce(literal: Literal): Clause<F> | undefined {
    const candidate = candidateOf(literal);
    if (!isPositive(literal) || this.#expanded[candidate]) return undefined;
    this.#expanded[candidate] = 1;
    let violated: Clause<F> | undefined;
    // All are added, whatever happens: a candidate is expanded only once.
    for (const clause of this.#expand(candidate)) violated = this.add(clause) ?? violated;
    return violated;
  }

  /** Watches the two literals that are false last, if at all, and concludes what follows at once. */
  #attach(clause: Clause<F>): Clause<F> | undefined {
    const { literals } = clause;
    for (const slot of [0, 1]) {
      let best = slot;
      for (let i = slot + 1; i < literals.length; i++)
        if (this.#freedom(literals[i]!) > this.#freedom(literals[best]!)) best = i;
      if (best < literals.length) swap(literals, slot, best);
    }
    for (const literal of literals.slice(0, 2)) (this.#watches[literal] ??= []).push(clause);
    return this.#conclude(clause);
  }

  /** How late a literal became false; more than any level when it is not. */
  #freedom(literal: Literal): number {
    return this.#fails(literal) ? this.#levels[candidateOf(literal)]! : Number.MAX_SAFE_INTEGER;
  }

  /** What a clause says when every literal but the first is false. */
  #conclude(clause: Clause<F>): Clause<F> | undefined {
    const [first, second] = clause.literals;
    if (second !== undefined && !this.#fails(second)) return undefined;
    if (first === undefined || this.#fails(first)) return clause;
    if (!this.#holds(first)) this.#assign(first, clause);
    return undefined;
  }

  /** Looks at the clauses that watch a literal which has become false. */
  #visitWatches(fallen: Literal): Clause<F> | undefined {
    const watching = this.#watches[fallen];
    if (!watching) return undefined;
    let kept = 0;
    let violated: Clause<F> | undefined;
    this.#effort += watching.length;
    for (const clause of watching) {
      if (violated || !this.#moveWatch(clause, fallen)) {
        watching[kept++] = clause;
        violated ??= this.#conclude(clause);
      }
    }
    watching.length = kept;
    return violated;
  }

  /** Puts the fallen literal second and, if another can be watched in its place, does that. */
  #moveWatch(clause: Clause<F>, fallen: Literal): boolean {
    const { literals } = clause;
    if (literals[0] === fallen && literals.length > 1) swap(literals, 0, 1);
    if (this.#holds(literals[0]!)) return false;
    for (let i = 2; i < literals.length; i++) {
      this.#effort += 1;
      if (this.#fails(literals[i]!)) continue;
      swap(literals, 1, i);
      (this.#watches[literals[1]!] ??= []).push(clause);
      return true;
    }
    return false;
  }

  /** The lesson of a violated clause: one literal of this level first, the latest other second. */
  #analyse(violated: Clause<F>): { literals: Literal[]; from: Clause<F>[] } {
    const seen = new Set<Candidate>();
    const earlier: Literal[] = [];
    const from = [violated];
    let open = 0;
    const take = (clause: Clause<F>): void => {
      this.#effort += clause.literals.length;
      for (const literal of clause.literals) {
        const candidate = candidateOf(literal);
        const level = this.#levels[candidate]!;
        if (!this.#fails(literal) || seen.has(candidate) || level === 0) continue;
        seen.add(candidate);
        if (level === this.level) open += 1;
        else earlier.push(literal);
      }
    };
    take(violated);
    let at = this.#trail.length - 1;
    for (; ; at--) {
      const literal = this.#trail[at]!;
      if (!seen.has(candidateOf(literal))) continue;
      if (--open === 0) break;
      const reason = this.#reasons[candidateOf(literal)]!;
      from.push(reason);
      take(reason);
    }
    const levelOf = (literal: Literal): number => this.#levels[candidateOf(literal)]!;
    earlier.sort((a, b) => levelOf(b) - levelOf(a));
    return { literals: [opposite(this.#trail[at]!), ...earlier], from };
  }
}

function swap(list: number[], a: number, b: number): void {
  [list[a], list[b]] = [list[b]!, list[a]!];
}
