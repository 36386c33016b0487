/**
 * Debian version numbers, ordered exactly as dpkg orders them: `[epoch:]upstream[-revision]`,
 * deb-version(7).
 */

export interface DebVersion {
  readonly epoch: number;
  readonly upstream: string;
  /** Empty when there is none, which orders as `0` does. */
  readonly revision: string;
}

/** Splits without judging; `versionProblem` says whether the parts are well formed. */
export function parseVersion(text: string): DebVersion {
  const colon = text.indexOf(':');
  const rest = text.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  return {
    epoch: colon < 0 ? 0 : Number(text.slice(0, colon)),
    upstream: dash < 0 ? rest : rest.slice(0, dash),
    revision: dash < 0 ? '' : rest.slice(dash + 1),
  };
}

/** Why `text` is no version, for people; undefined when it is one. */
export function versionProblem(text: string): string | undefined {
  const colon = text.indexOf(':');
  if (colon >= 0 && !/^\d{1,9}$/.test(text.slice(0, colon)))
    return 'the epoch before the colon must be a number';
  const { upstream, revision } = parseVersion(text);
  if (!/^\d/.test(upstream)) return 'it must begin with a digit';
  if (!/^[A-Za-z0-9.+~:-]*$/.test(upstream))
    return 'it may hold letters, digits and . + - ~ : only';
  if (!/^[A-Za-z0-9.+~]*$/.test(revision))
    return 'its revision, after the last dash, may hold letters, digits and . + ~ only';
  return text.endsWith('-') ? 'its revision, after the last dash, is empty' : undefined;
}

/** Below, equal, above: a negative number, zero, a positive number. */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const left = parseVersion(a);
  const right = parseVersion(b);
  return (
    left.epoch - right.epoch ||
    compareParts(left.upstream, right.upstream) ||
    compareParts(left.revision, right.revision)
  );
}

const ZERO = 48;
const NINE = 57;
const TILDE = 126;

const isDigit = (code: number): boolean => code >= ZERO && code <= NINE;

/** Weight of a character outside a number: `~` below the end, letters below all else. */
function weight(text: string, at: number): number {
  if (at >= text.length) return 0;
  const code = text.charCodeAt(at);
  if (isDigit(code)) return 0;
  if (code === TILDE) return -1;
  const letter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
  return letter ? code : code + 256;
}

/** Alternating runs of non-digits, by weight, and of digits, by number of any length. */
function compareParts(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while (
      (i < a.length && !isDigit(a.charCodeAt(i))) ||
      (j < b.length && !isDigit(b.charCodeAt(j)))
    ) {
      const difference = weight(a, i) - weight(b, j);
      if (difference !== 0) return difference;
      i += 1;
      j += 1;
    }
    while (a.charCodeAt(i) === ZERO) i += 1;
    while (b.charCodeAt(j) === ZERO) j += 1;
    let first = 0;
    while (isDigit(a.charCodeAt(i)) && isDigit(b.charCodeAt(j))) {
      first ||= a.charCodeAt(i) - b.charCodeAt(j);
      i += 1;
      j += 1;
    }
    if (isDigit(a.charCodeAt(i))) return 1;
    if (isDigit(b.charCodeAt(j))) return -1;
    if (first !== 0) return first;
  }
  return 0;
}
