/** Riddles that no archive poses: the search ends, and says so. */
import { expect, it } from 'vitest';
import type { Candidate, Problem } from '../../repos/solver/problem.ts';
import { solve } from '../../repos/solver/search.ts';

/** Each bird needs a hole of its own, and there is one hole too few. */
function birds(count: number): Problem {
  const holes = count - 1;
  const place = (bird: number, hole: number): Candidate => count + bird * holes + hole;
  const range = (length: number) => Array.from({ length }, (_, i) => i);
  return {
    size: count + count * holes,
    requests: range(count).map((bird) => ({ candidates: [bird] })),
    forbidden: [],
    constraints: (candidate) => {
      if (candidate < count) {
        const candidates = range(holes).map((hole) => place(candidate, hole));
        return { requirements: [{ candidates }], conflicts: [] };
      }
      const [bird, hole] = [Math.floor((candidate - count) / holes), (candidate - count) % holes];
      const others = range(count).filter((other) => other !== bird);
      const candidates = others.map((other) => place(other, hole));
      return { requirements: [], conflicts: [{ candidates }] };
    },
  };
}

/** Random requests for one of three, where candidates 2n and 2n + 1 exclude each other. */
function riddle(pairs: number, requests: number): Problem {
  let state = 7;
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * below);
  };
  const three = () => [0, 1, 2].map(() => random(pairs) * 2 + random(2));
  return {
    size: pairs * 2,
    requests: Array.from({ length: requests }, () => ({ candidates: three() })),
    forbidden: [],
    constraints: (candidate) => ({
      requirements: [],
      conflicts: [{ candidates: [candidate ^ 1] }],
    }),
  };
}

it.each([
  ['eight birds', birds(8), 'unsolvable'],
  ['thirty birds', birds(30), 'exhausted'],
  ['a riddle of 250 pairs', riddle(250, 1125), 'exhausted'],
  ['a riddle of 2000 pairs', riddle(2000, 8520), 'exhausted'],
] as const)('%s', { timeout: 120_000 }, (_name, problem, kind) => {
  const started = performance.now();
  expect(solve(problem).kind).toBe(kind);
  // Some seconds, and generously so for a slow machine.
  expect(performance.now() - started).toBeLessThan(60_000);
});
