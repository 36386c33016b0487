/** The command table: parsing, help and completion all read it. */
import type { CommandEntry } from './command.ts';

export const commands: readonly CommandEntry[] = [
  {
    name: 'init',
    group: 'Describe',
    summary: 'write a commented starter layer',
    load: async () => (await import('./commands/init.ts')).default,
  },
  {
    name: 'import',
    group: 'Describe',
    summary: 'turn a V3M profile into a starter layer',
    load: async () => (await import('./commands/import.ts')).default,
  },
  {
    name: 'check',
    group: 'Describe',
    summary: 'validate environments; no network',
    load: async () => (await import('./commands/check.ts')).default,
  },
  {
    name: 'show',
    group: 'Describe',
    summary: 'print the merged environment, each value with its origin',
    load: async () => (await import('./commands/show.ts')).default,
  },
  {
    name: 'explain',
    group: 'Describe',
    summary: 'say why a value or a package is there, or is not',
    load: async () => (await import('./commands/explain.ts')).default,
  },
  {
    name: 'lock',
    group: 'Build',
    summary: 'decide every package exactly',
    load: async () => (await import('./commands/lock.ts')).default,
  },
  {
    name: 'diff',
    group: 'Describe',
    summary: 'compare two environments, locks or bundles',
    load: async () => (await import('./commands/diff.ts')).default,
  },
  {
    name: 'build',
    group: 'Build',
    summary: 'build the golden image and its boot glue',
    load: async () => (await import('./commands/build.ts')).default,
  },
  {
    name: 'boot',
    group: 'Build',
    summary: 'boot what was built, for real',
    load: async () => (await import('./commands/boot.ts')).default,
  },
  {
    name: 'publish',
    group: 'Share',
    summary: 'put a base or a bundle, signed, where others find it',
    load: async () => (await import('./commands/publish.ts')).default,
  },
  {
    name: 'fetch',
    group: 'Share',
    summary: 'fetch a published bundle, and verify it',
    load: async () => (await import('./commands/fetch.ts')).default,
  },
  {
    name: 'serve',
    group: 'Share',
    summary: 'be the head node of machines that netboot',
    load: async () => (await import('./commands/serve.ts')).default,
  },
  {
    name: 'key',
    group: 'Share',
    summary: 'make or show the key that signs what you publish',
    load: async () => (await import('./commands/key.ts')).default,
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
    name: 'schema',
    group: 'Look after',
    summary: 'print the JSON Schema of a layer, for editors',
    load: async () => (await import('./commands/schema.ts')).default,
  },
  {
    name: 'completion',
    group: 'Look after',
    summary: 'print completion for a shell',
    load: async () => (await import('./commands/completion.ts')).default,
  },
  {
    name: 'words',
    group: 'Look after',
    summary: 'print what a shell may complete',
    hidden: true,
    load: async () => (await import('./commands/words.ts')).default,
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
