/** "Did you mean …": the nearest name, when one is near enough to be a slip of the finger. */
import { distance } from 'fastest-levenshtein';

const MAX_CANDIDATES = 20_000;

/** The candidate with the fewest edits from `name`: two, or a third of its length; or undefined. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let fewest = (name.length < 3 ? 1 : Math.max(2, Math.floor(name.length / 3))) + 1;
  let seen = 0;
  for (const candidate of candidates) {
    if ((seen += 1) > MAX_CANDIDATES) break;
    if (Math.abs(candidate.length - name.length) >= fewest || candidate === name) continue;
    const edits = distance(name, candidate);
    if (edits < fewest) {
      best = candidate;
      fewest = edits;
    }
  }
  return best;
}

/** A hint sentence for an unknown name: the nearest one, else the whole list when it is short. */
export function suggestion(name: string, candidates: Iterable<string>): string | undefined {
  if (name === '<<') return 'YAML merge keys are not part of the language: share through a layer.';
  const list = [...candidates];
  const near = nearest(name, list);
  if (near !== undefined) return `Did you mean '${near}'?`;
  if (list.length === 0 || list.length > 16) return undefined;
  return `Known here: ${list.join(', ')}.`;
}
