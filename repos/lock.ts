/** The lock: what a build installs, exactly. The document's fields are a contract (design.md). */

import type { OptionState, Verb } from '../vse/types.ts';

export const LOCK_FORMAT = 1;

export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Hex. */
  readonly sha256: string;
  /** Bytes of the package file. */
  readonly size: number;
  /** Name of the repository in the VSE. */
  readonly repository: string;
  /** Index into `stages`. */
  readonly stage: number;
  /** Why it is there, for people: `requested by cfd`, `essential`, `libfoo depends on it`. */
  readonly reason: string;
  /** Path below the repository's address. */
  readonly filename: string;
  /** Bytes once installed, as the package states it. */
  readonly installedSize: number;
  readonly essential?: true;
  /** Source package name and version. */
  readonly source?: string;
  /**
   * What it states about other packages, in the fields of its own format: with it a lock can be
   * resolved anew when the repositories no longer have the package.
   */
  readonly states?: Readonly<Record<string, string>>;
}

export interface LockedIndex {
  readonly repository: string;
  readonly suite: string;
  /** Of the signed InRelease file, hex. */
  readonly sha256: string;
  /** ISO 8601 time, the `Date` of the signed file. */
  readonly date: string;
  /** Fingerprint of the pinned key that vouched for it. */
  readonly signedBy?: string;
}

/** Where package files come from: enough to fetch again without the VSE. */
export interface LockedRepository {
  readonly name: string;
  readonly type: string;
  readonly mirror?: string;
  readonly uri?: string;
  readonly snapshot?: string;
  /** ISO 8601: dates of the indexes that its packages were found in, newest first. */
  readonly dates?: readonly string[];
}

/** A published base that the environment extends, as it was when it was locked. */
export interface LockedBase {
  /** As written in `extends`. */
  readonly reference: string;
  /** `sha256:…` of its manifest. */
  readonly digest: string;
  readonly version: string;
  /** Fingerprint of the key that vouched for it. */
  readonly signedBy?: string;
}

/** An option of the environment when it was locked; `digest` and `value` as in `OptionState`. */
export interface LockedOption extends OptionState {
  readonly path: string;
  /** The line that gave it, in a file that is named from the environment's folder. */
  readonly by?: {
    readonly layer: string;
    readonly verb: Verb;
    readonly file: string;
    readonly line: number;
  };
}

export interface Lock {
  readonly vsecLock: typeof LOCK_FORMAT;
  readonly vse: { readonly name: string; readonly version: string; readonly digest: string };
  readonly distribution: {
    readonly id: string;
    readonly release: string;
    readonly architecture: string;
  };
  /** Present when there are any. */
  readonly bases?: readonly LockedBase[];
  readonly stages: readonly { readonly layers: readonly string[] }[];
  readonly repositories: readonly LockedRepository[];
  readonly indexes: readonly LockedIndex[];
  /**
   * Seconds since 1970: the time of everything that is built. The newest `Date` of the indexes when
   * the lock was first made, or last upgraded as a whole.
   */
  readonly epoch: number;
  readonly packages: readonly LockedPackage[];
  readonly toolbox: {
    readonly digest: string;
    /** Digest of the description that it was resolved from. */
    readonly definition?: string;
    readonly repositories: readonly LockedRepository[];
    readonly packages: readonly LockedPackage[];
  };
  /** Present when signatures were not checked. */
  readonly insecure?: true;
  /** To say what has changed since. */
  readonly options?: readonly LockedOption[];
}

/** What another architecture has of its own; format and toolbox are those of the whole. */
export type OtherArchitecture = Omit<Lock, 'vsecLock' | 'toolbox'>;

/** `ENV.lock.json`: the lock of the environment's own architecture, and of others beside it. */
export interface LockFile extends Lock {
  /** By architecture, in order; present when there are any. */
  readonly otherArchitectures?: readonly OtherArchitecture[];
}
