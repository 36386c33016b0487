/** Bases that somebody published: fetched and verified elsewhere, read here from a folder. */
import { relative, resolve, sep } from 'node:path';

/** What is known of a published base once it lies on this machine. */
export interface Published {
  /** As written in `extends`. */
  readonly reference: string;
  /** `sha256:…` of the manifest, or of the layer itself where an address names one file. */
  readonly digest: string;
  readonly version?: string;
  /** Fingerprint of the key that vouched for it. */
  readonly signedBy?: string;
}

export interface OpenedBase extends Published {
  /** Absolute path of the folder that holds it and all it refers to. */
  readonly root: string;
  /** Path of the layer below `root`. */
  readonly main: string;
  /** Names of bases that it brought along → paths below `root`. */
  readonly names: Readonly<Record<string, string>>;
}

/** `https://…/base.yaml` names a layer itself; other addresses name what `vsec publish` wrote. */
export const isPlainLayer = (url: string): boolean => /\.ya?ml$/.test(url);

/** Whether an absolute path lies in the published base: nothing of the host's is its business. */
export const reaches = ({ root }: OpenedBase, path: string): boolean =>
  path === root || resolve(path).startsWith(root + sep);

/** How a file of a published base is shown to people. */
export const showPublished = ({ reference, root }: OpenedBase, path: string): string =>
  `${reference.replace(/[#@].*$/, '')}/${relative(root, path)}`;
