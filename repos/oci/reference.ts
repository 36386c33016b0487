/** Names of published things: in a registry, or in a folder behind a web server. */
import { misuse } from '../../vse/diagnostic.ts';

export interface Reference {
  /** As people write it, without tag and digest: what trust is given to. */
  readonly name: string;
  readonly type: 'registry' | 'folder';
  /** `https://host` of a registry; of a folder its address. No slash at the end. */
  readonly address: string;
  /** Path in the registry; the last part of a folder's address. */
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:…` of the manifest that is meant and no other. */
  readonly digest?: string;
}

const SHAPES = "'oci://registry.example/site/base:2026.1' or 'https://…/base#sha256=…'";
const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
/** Names, tags and digests as the OCI distribution specification has them. */
const REGISTRY = new RegExp(
  `^oci(\\+http)?://([A-Za-z0-9.-]+(?::\\d{1,5})?|\\[::1\\](?::\\d{1,5})?)/(${COMPONENT}(?:/${COMPONENT})*)` +
    '(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$',
);
const FOLDER = /^(https?:\/\/[^#?\s]+|file:\/\/\/[^#?\s]+?)\/?#sha256=([0-9a-f]{64})$/;
const LOCAL = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|$)/;

export const isTag = (text: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(text);

/**
 * `oci://host[:port]/path[:tag][@sha256:…]` or `https://…#sha256=…`. Registries are spoken to by
 * https, unless they are on this machine or the scheme is `oci+http`.
 * @throws REPO201 (exit code 2)
 */
export function parseReference(text: string): Reference {
  const folder = FOLDER.exec(text);
  if (folder) {
    const [, address = '', sha256 = ''] = folder;
    const repository = decodeURIComponent(address.slice(address.lastIndexOf('/') + 1));
    return { name: address, type: 'folder', address, repository, digest: `sha256:${sha256}` };
  }
  const found = REGISTRY.exec(text);
  if (!found)
    throw misuse('REPO201', `'${text}' names nothing published`, { hint: `as in ${SHAPES}` });
  const [, plain, host = '', repository = '', tag, digest] = found;
  const scheme = plain || LOCAL.test(host) ? 'http' : 'https';
  return {
    name: `oci://${host}/${repository}`,
    type: 'registry',
    address: `${scheme}://${host}`,
    repository,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
  };
}

/** As people would write it, with the digest when there is no tag. */
export const showReference = ({ name, type, tag, digest }: Reference): string =>
  type === 'folder'
    ? `${name}#${digest?.replace(':', '=')}`
    : tag !== undefined
      ? `${name}:${tag}`
      : digest !== undefined
        ? `${name}@${digest}`
        : name;
