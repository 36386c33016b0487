/** The system's language: `/etc/default/locale`, and the compiled locale behind it. */
import { failure } from '../../vse/diagnostic.ts';
import type { Inside } from '../sandbox/inside.ts';
import { lastLines } from '../sandbox/programs.ts';
import { has, put } from './system.ts';

/** Locales that the C library has without any file. */
const BUILT_IN = new Set(['C', 'POSIX', 'C.UTF-8', 'C.utf8']);

/** Sets the locale and compiles it with the tree's own `locale-gen` where that is needed. */
export async function setLocale(inside: Inside, locale: string): Promise<void> {
  put(inside.root, 'etc/default/locale', `LANG=${locale}\n`);
  if (BUILT_IN.has(locale)) return;
  const wrong = (message: string, hint: string, notes: readonly string[] = []) =>
    failure('BUILD172', message, {
      notes: [{ message: 'option locale' }, ...notes.map((text) => ({ message: text }))],
      hint,
    });
  if (!has(inside.root, 'usr/sbin/locale-gen'))
    throw wrong(`locale ${locale} needs to be compiled`, 'add the package locales, or use C.UTF-8');
  const charset = locale.split('.')[1]?.split('@')[0] ?? 'ISO-8859-1';
  put(inside.root, 'etc/locale.gen', `${locale} ${charset}\n`);
  const result = await inside.run(['/usr/sbin/locale-gen', '--keep-existing']);
  if (result.code !== 0)
    throw wrong(
      `locale ${locale} cannot be compiled`,
      'names look like de_DE.UTF-8; /usr/share/i18n/SUPPORTED of the package locales lists them',
      lastLines(result.tail, 5),
    );
}
