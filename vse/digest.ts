/** The digests of a merged VSE: over values, never over where they came from. */
import { createHash } from 'node:crypto';
import type { HostFiles } from './host-files.ts';
import { describeRequest } from './merge-packages.ts';
import { showRelation } from './relation.ts';
import { showPath } from './shape.ts';
import type { Path, Value } from './shape.ts';
import { writtenValue } from './show.ts';
import type { OptionState, Vse } from './types.ts';

type Values = Pick<Vse, 'name' | 'version' | 'config' | 'packages' | 'excluded'>;

/**
 * `sha256:…`. Of host files the contents count and not the paths, so that a checkout elsewhere has
 * the same digest. `tree` leaves out what cannot change the file tree.
 */
export const vseDigest = (values: Values, hostFiles: HostFiles, what: 'whole' | 'tree'): string =>
  `sha256:${sha256(canonicalJson(identity(values, hostFiles, what)))}`;

/** Every option that is given or has a default, by its path; sets as a whole. */
export function optionStates(
  values: Values,
  hostFiles: HostFiles,
): Readonly<Record<string, OptionState>> {
  const { name, version, config } = identity(values, hostFiles, 'whole');
  const found: Record<string, OptionState> = {};
  const put = (path: Path, value: Value, written = writtenValue(path, value)): void => {
    const digest = sha256(canonicalJson(value)).slice(0, 16);
    found[showPath(path)] = { digest, ...(isTold(path, written) && { value: written }) };
  };
  const visit = (path: Path, value: unknown): void => {
    if (value === undefined) return;
    if (!isPlainObject(value)) put(path, value as Value);
    else for (const [key, entry] of Object.entries(value)) visit([...path, spelling(key)], entry);
  };
  visit([], { name, version, ...config, filesystem: undefined });
  for (const { name: wanted, architecture, relations } of values.packages) {
    const key = architecture === undefined ? wanted : `${wanted}:${architecture}`;
    put(['packages', key], relations.map(showRelation).sort(), describeRequest(relations));
  }
  for (const { name: unwanted } of values.excluded) put(['exclude', 'packages', unwanted], true);
  return found;
}

/** Longer values, as JSON, are known by their digests alone. */
const MAX_TOLD = 200;
/** Text of people's own, which may be nobody else's business, and what is in files of the host. */
const UNTOLD = [
  /^users\..*\.password-hash$/s,
  /^files\..*\.(content|source)$/s,
  /^scripts\..*\.run$/s,
  /^repositories\..*\.signed-by$/s,
  /^kernel\.(image|modules|initrd)$/,
];

const isTold = (path: Path, value: Value): boolean =>
  !UNTOLD.some((pattern) => pattern.test(showPath(path))) &&
  JSON.stringify(value).length <= MAX_TOLD;

/** Options that are spelt otherwise in a layer. */
const SPELLINGS = new Map([
  ['signedBy', 'signed-by'],
  ['passwordHash', 'password-hash'],
  ['sshKeys', 'ssh-keys'],
]);
const spelling = (key: string): string => SPELLINGS.get(key) ?? key;

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** What a digest is made of: everything that counts, and no path of this machine. */
function identity(values: Values, hostFiles: HostFiles, what: 'whole' | 'tree') {
  const { name, version, packages, excluded } = values;
  const contents = (path: string): string => hostFiles.get(path)?.sha256 ?? path;
  const { machine, backends, image, repositories, files, kernel, ...rest } = values.config;
  const tree = {
    ...rest,
    filesystem: image.filesystem,
    repositories: mapValues(repositories, (r) => ({
      ...r,
      signedBy: r.signedBy.map(contents).sort(),
    })),
    files: mapValues(files, (f) => (f.source ? { ...f, source: f.source.sha256 } : f)),
    kernel: {
      ...kernel,
      image: kernel.image && contents(kernel.image),
      modules: kernel.modules && contents(kernel.modules),
      initrd: kernel.initrd && contents(kernel.initrd),
    },
  };
  return {
    name,
    version,
    packages: packages.map(
      (p) => [p.name, p.architecture, p.relations.map(showRelation).sort()] as const,
    ),
    excluded: excluded.map((e) => e.name),
    config: what === 'tree' ? tree : { ...tree, image, machine, backends },
  };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  change: (value: T) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

/** JSON with keys in order and nothing that is undefined. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) =>
    v !== null && typeof v === 'object' && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  );
}
