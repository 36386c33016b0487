import { expect, it } from 'vitest';
import { emulatedTwice, startedAgain, worthAnother } from '../../builders/boot/again.ts';
import { explain } from '../../builders/boot/result.ts';
import type { Ending, Watched } from '../../builders/boot/watch.ts';

const silent: Ending = { kind: 'silent', spoke: true, seen: ['gold 3 0 - --- 9.7'] };
const lost: Ending = {
  kind: 'host-lost',
  host: { end: { code: null, signal: 'SIGABRT' }, last: ['Bail out!'] },
};
const exited = (code: number): Ending => ({
  ...{ kind: 'exited', end: { code, signal: null }, stderr: '' },
});
const watched = (ending: Ending) => ({ ending, seconds: 300, console: [] }) as unknown as Watched;

it('an emulated host is tried twice, a real one once', () => {
  expect(emulatedTwice(['tcg'])).toEqual(['tcg', 'tcg']);
  expect(emulatedTwice(['kvm', 'tcg'])).toEqual(['kvm', 'tcg', 'tcg']);
  expect(emulatedTwice(['kvm'])).toEqual(['kvm']);
});

it.each<[string, Ending, boolean, boolean]>([
  ['silence', silent, true, true],
  ['a host that is gone', lost, true, true],
  ['a host that stays silent', { kind: 'no-host', host: silent }, true, true],
  ['a hypervisor that refuses', exited(1), true, false],
  ['a host whose hypervisor refuses', { kind: 'no-host', host: exited(1) }, true, false],
  ['a guest that switched itself off', exited(0), false, false],
  ['no time left', { kind: 'timeout', quiet: 1000 }, false, false],
  [
    'trouble that was named',
    { kind: 'trouble', trouble: { code: 'BOOT020', message: '', hint: '' } },
    false,
    false,
  ],
])('after %s, another attempt', (_, ending, withAnother, withTheSame) => {
  expect(worthAnother(ending, 'kvm', 'tcg')).toBe(withAnother);
  expect(worthAnother(ending, 'tcg', 'tcg')).toBe(withTheSame);
});

it('BOOT035 says why, and what was done', () => {
  expect(startedAgain(watched(silent), 'tcg', 'tcg')).toMatchObject({
    ...{ code: 'BOOT035', severity: 'warning', message: 'the first attempt came to nothing' },
    notes: [
      { message: 'the guest fell silent, 300 s after the start' },
      { message: 'its host: gold 3 0 - --- 9.7' },
    ],
    hint: 'it was started again, in a new host',
  });
  expect(startedAgain(watched(exited(1)), 'kvm', 'tcg').hint).toBe('it was started again with tcg');
});

it('a host that does not answer is said to', () => {
  const mute: Ending = { kind: 'silent', spoke: true, seen: [] };
  expect(explain(watched(mute), 'tcg')).toMatchObject([
    { code: 'BOOT032', notes: [{ message: 'its host does not answer, either' }] },
  ]);
});
