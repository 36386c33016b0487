/** What a bill of materials is about. */
import packageJson from '../../package.json' with { type: 'json' };
import { derivedUuid } from '../image/uuid.ts';

export interface Subject {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  /** `sha256:…` of the file tree. */
  readonly rootfsDigest: string;
  /** SHA-256 of the lock, hex. */
  readonly lockSha256: string;
  /** Seconds since 1970: the time of everything that is built. */
  readonly epoch: number;
}

/** Of the program that writes the documents. */
export const TOOL = { name: 'vsec', version: packageJson.version } as const;

/** ISO 8601 without fractions of a second, as SPDX wants it. */
export const timeOf = ({ epoch }: Subject): string =>
  new Date(epoch * 1000).toISOString().replace('.000Z', 'Z');

/** The same for the same tree and lock; another for each kind of document. */
export const documentUuid = (subject: Subject, kind: string): string =>
  derivedUuid(kind, subject.name, subject.version, subject.rootfsDigest, subject.lockSha256);
