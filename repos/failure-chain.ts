/** A contradiction as a chain of sentences: from what was asked for to what cannot be. */
import type { Note } from '../vse/diagnostic.ts';
import type { Vse } from '../vse/types.ts';
import type { Request } from './requests.ts';
import type { Candidate, Fact } from './solver/problem.ts';
import type { PackageConflict, PackageRequirement, Universe } from './universe.ts';

export type ResolveFact = Fact<PackageRequirement, PackageConflict, Request>;
type FactOf<K extends ResolveFact['kind']> = Extract<ResolveFact, { kind: K }>;

export interface Chain {
  readonly notes: readonly Note[];
  /** The requests that have part in it. */
  readonly asked: readonly Request[];
  /** Names of the excluded packages that have part in it. */
  readonly excluded: readonly string[];
  /** What is needed and nowhere, as half a sentence. */
  readonly missing: string | undefined;
}

/** `openssh-server 1:9.2p1-2 (debian bookworm)` */
export function titleOf(candidate: Candidate, universe: Universe): string {
  const { name, version, repository, suite } = universe.info(candidate);
  return `${name} ${version} (${repository} ${suite})`;
}

/** `a`, `a and b`, `a, b and c`. */
export const listed = (names: readonly string[]): string =>
  names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

/**
 * Puts facts in an order in which each follows from one before.
 *
 * @param facts a minimal contradiction
 * @param requests in the order in which they are told
 */
export function tellChain(
  facts: readonly ResolveFact[],
  requests: readonly Request[],
  vse: Vse,
  universe: Universe,
): Chain {
  const part = new Set(facts.flatMap((f) => (f.kind === 'request' ? [f.requirement] : [])));
  const asked = requests.filter((request) => part.has(request));
  const teller = new Teller(facts, vse, universe);
  asked.forEach((request) => teller.request(request));
  for (const { candidates } of asked) teller.follow(candidates);
  // Both sides of a conflict have been told of by now.
  teller.conflicts();
  return { notes: teller.notes, asked, excluded: teller.excluded, missing: teller.missing };
}

class Teller {
  readonly notes: Note[] = [];
  readonly excluded: string[] = [];
  missing: string | undefined;
  readonly #facts: readonly ResolveFact[];
  readonly #vse: Vse;
  readonly #universe: Universe;
  readonly #followed = new Set<Candidate>();

  constructor(facts: readonly ResolveFact[], vse: Vse, universe: Universe) {
    this.#facts = facts;
    this.#vse = vse;
    this.#universe = universe;
  }

  request({ name, target, origins, essential }: Request): void {
    if (essential) this.#note(`'${name}' is essential: every installation has it`);
    const origin = origins.at(-1);
    if (origin) this.#note(`${origin.layer} asks for ${target}`, origin.span);
  }

  /** Tells what is said of the candidates, then of what they need. */
  follow(candidates: readonly Candidate[]): void {
    for (const candidate of candidates) {
      if (this.#followed.has(candidate)) continue;
      this.#followed.add(candidate);
      for (const fact of this.#of('forbidden'))
        if (fact.candidate === candidate) this.#forbidden(candidate);
      const needs = this.#of('requires').filter((fact) => fact.candidate === candidate);
      needs.forEach((fact) => this.#requires(fact));
      for (const { requirement } of needs) this.follow(requirement.candidates);
    }
  }

  conflicts(): void {
    const facts = this.#of('conflicts');
    for (const conflict of new Set(facts.map((fact) => fact.conflict))) {
      const same = facts.filter((fact) => fact.conflict === conflict);
      const others = listed(same.map(({ other }) => titleOf(other, this.#universe)));
      const about = titleOf(same[0]!.candidate, this.#universe);
      const { verb, target } = conflict;
      this.#note(`${about} ${verb} ${target === '' ? others : `${target}: ${others}`}`);
    }
  }

  #of<K extends ResolveFact['kind']>(kind: K): FactOf<K>[] {
    return this.#facts.filter((fact): fact is FactOf<K> => fact.kind === kind);
  }

  #note(message: string, span?: Note['span']): void {
    this.notes.push({ message, ...(span && { span }) });
  }

  #forbidden(candidate: Candidate): void {
    const { name } = this.#universe.info(candidate);
    if (this.excluded.includes(name)) return;
    this.excluded.push(name);
    const origin = this.#vse.excluded.find((one) => one.name === name)?.origins.at(-1);
    const by = origin ? ` by ${origin.layer}` : '';
    this.#note(`'${name}' is excluded${by}`, origin?.span);
  }

  #requires({ candidate, requirement }: FactOf<'requires'>): void {
    const { verb, target, candidates } = requirement;
    const told = `${titleOf(candidate, this.#universe)} ${verb} ${target}`;
    const named = target.split(' | ').map((relation) => /^[^\s:]*/.exec(relation)![0]);
    if (candidates.length > 0) {
      const names = candidates.map((one) => this.#universe.info(one).name);
      const providers = [...new Set(names)].filter((name) => !named.includes(name));
      this.#note(providers.length === 0 ? told : `${told} (provided by ${listed(providers)})`);
      return;
    }
    const there = named.flatMap((name) => this.#universe.versions(name));
    const but = listed(there.map((one) => titleOf(one, this.#universe)));
    const nowhere = but === '' ? 'which no repository has' : `but there is only ${but}`;
    this.missing = `it needs ${target}, ${nowhere}`;
    this.#note(`${told}, ${nowhere}`);
  }
}
