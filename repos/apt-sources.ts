/** What the host's own apt uses: sources.list(5), one-line and deb822 style. Read, never changed. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseParagraphs, words } from './deb/deb822.ts';

export interface AptSource {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** Empty: all. */
  readonly architectures: readonly string[];
}

/** The enabled sources of binary packages below an apt folder; none when there is no apt. */
export async function readAptSources(directory = '/etc/apt'): Promise<AptSource[]> {
  const parts = join(directory, 'sources.list.d');
  const names = (await readdir(parts).catch(() => [])).sort();
  const files = [join(directory, 'sources.list'), ...names.map((name) => join(parts, name))];
  const sources: AptSource[] = [];
  for (const file of files) {
    const parse = file.endsWith('.list') ? parseOneLine : parseDeb822;
    if (!/\.(list|sources)$/.test(file)) continue;
    const text = await readFile(file, 'utf8').catch(() => '');
    for (const source of parse(text)) {
      sources.push({ ...source, uris: await expandMirrorLists(source.uris) });
    }
  }
  return sources;
}

/** `deb [arch=amd64 signed-by=…] URI SUITE COMPONENT…` */
export function parseOneLine(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)([^#]*)/.exec(line);
    if (!match) continue;
    const [, options, uri = '', suite = '', components] = match;
    const arch = words(options).find((option) => option.startsWith('arch='));
    sources.push({
      uris: [uri],
      suites: [suite],
      components: words(components),
      architectures: arch ? arch.slice('arch='.length).split(',') : [],
    });
  }
  return sources;
}

export function parseDeb822(text: string): AptSource[] {
  return parseParagraphs(text)
    .filter((fields) => words(fields.get('types')).includes('deb'))
    .filter((fields) => !/^(no|false|without|off|disable|0)$/i.test(fields.get('enabled') ?? ''))
    .map((fields) => ({
      uris: words(fields.get('uris')),
      suites: words(fields.get('suites')),
      components: words(fields.get('components')),
      architectures: words(fields.get('architectures')),
    }));
}

/** `mirror+file:/etc/apt/mirrors/debian.list` stands for the addresses in that file. */
async function expandMirrorLists(uris: readonly string[]): Promise<string[]> {
  const expanded: string[] = [];
  for (const uri of uris) {
    const list = /^mirror\+file:(?:\/\/)?(\/.*)$/.exec(uri)?.[1];
    if (list === undefined) {
      expanded.push(uri);
      continue;
    }
    const text = await readFile(list, 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      const [address] = words(line.replace(/#.*/, ''));
      if (address !== undefined) expanded.push(address);
    }
  }
  return expanded;
}
