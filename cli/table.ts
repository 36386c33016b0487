/** The command table: parsing, help and completion all read it. */
import type { CommandEntry } from './command.ts';

export const commands: readonly CommandEntry[] = [
  {
    name: 'check',
    group: 'Describe',
    summary: 'validate environments; no network',
    load: async () => (await import('./commands/check.ts')).default,
  },
  {
    name: 'doctor',
    group: 'Look after',
    summary: 'say what this machine lacks, and how to mend it',
    load: async () => (await import('./commands/doctor.ts')).default,
  },
  {
    name: 'cache',
    group: 'Look after',
    summary: 'show, verify or empty the cache',
    load: async () => (await import('./commands/cache.ts')).default,
  },
  {
    name: 'completion',
    group: 'Look after',
    summary: 'print completion for a shell',
    load: async () => (await import('./commands/completion.ts')).default,
  },
  {
    name: 'version',
    group: 'Look after',
    summary: 'print the version',
    load: async () => (await import('./commands/version.ts')).default,
  },
  {
    name: 'help',
    group: 'Look after',
    summary: 'explain a command',
    load: async () => (await import('./commands/help.ts')).default,
  },
];

export const findCommand = (name: string): CommandEntry | undefined =>
  commands.find((entry) => entry.name === name);
