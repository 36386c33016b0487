/** The configuration of a published base: where to begin in its archive. */
import * as z from 'zod';
import { read } from '../oci/manifest.ts';
import { isSafePath } from './archive.ts';

const path = z.string().refine(isSafePath, { message: 'leads out of the base' });

const config = z.looseObject({
  vsecBase: z.literal(1),
  name: z.string(),
  version: z.string(),
  /** Path of the layer in the archive. */
  main: path,
  /** Bases that it extends by name and brings along → paths in the archive. */
  names: z.record(z.string(), path),
});

export type BaseConfig = Readonly<z.infer<typeof config>>;

export const writeBaseConfig = (of: BaseConfig): Buffer => Buffer.from(JSON.stringify(of));

/** @throws REPO205 */
export const readBaseConfig = (bytes: Uint8Array, shown: string): BaseConfig =>
  read(config, bytes, shown);
