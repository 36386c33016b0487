/** Where published things lie, whatever it is: a registry or a folder. */
import type { Readable } from 'node:stream';
import type { Descriptor } from './manifest.ts';

/** Reading. All that comes from here is to be checked against its digest. */
export interface Source {
  /** Digest of what a tag names now; undefined when there is no such tag. */
  resolve(tag: string): Promise<string | undefined>;
  manifest(digest: string): Promise<Buffer>;
  /** What was attached to the manifest: signatures, bills of materials. */
  referrers(digest: string, artifactType: string): Promise<readonly Descriptor[]>;
  /** Where a blob can be downloaded, and with which headers. */
  blob(digest: string): Promise<{
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
  }>;
  close(): Promise<void>;
}

/** Writing. */
export interface Target {
  resolve(tag: string): Promise<string | undefined>;
  /** False when it was there already, and `open` was not called. */
  putBlob(descriptor: Descriptor, open: () => Readable | Uint8Array): Promise<boolean>;
  /** `tag` undefined: to be found by its digest alone, or by its subject. */
  putManifest(bytes: Buffer, tag?: string): Promise<Descriptor>;
  close(): Promise<void>;
}
