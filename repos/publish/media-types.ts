/** The kinds of artifacts that vsec publishes, and of their parts. */

export const KINDS = ['base', 'bundle'] as const;
export type Kind = (typeof KINDS)[number];

export const ARTIFACT_TYPE: Readonly<Record<Kind, string>> = {
  base: 'application/vnd.vsec.base.v1',
  bundle: 'application/vnd.vsec.bundle.v1',
};
export const BASE_CONFIG = 'application/vnd.vsec.base.config.v1+json';
export const BASE_LAYER = 'application/vnd.vsec.base.layer.v1.tar';
export const BUNDLE_MANIFEST = 'application/vnd.vsec.manifest.v1+json';
export const BUNDLE_FILE = 'application/vnd.vsec.bundle.file.v1';
/** An annotation: permission bits of a file, as in `0755`. */
export const MODE = 'vnd.vsec.file.mode';

export const SIGNATURE = 'application/vnd.vsec.signature.v1';
export const STATEMENT = 'application/vnd.vsec.statement.v1+json';
export const SSH_SIGNATURE = 'application/vnd.vsec.sshsig.v1';
