import type { Candidate } from './solver/problem.ts';

/** What can be reached over requirements, the roots included. */
export function reachable(
  roots: Iterable<Candidate>,
  requirementsOf: (
    candidate: Candidate,
  ) => readonly { readonly candidates: readonly Candidate[] }[],
): Set<Candidate> {
  const found = new Set(roots);
  for (const candidate of found)
    for (const { candidates } of requirementsOf(candidate))
      for (const next of candidates) found.add(next);
  return found;
}
