/** A signed archive of its own for every test of a file, and a mirror that serves it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach } from 'vitest';
import { scratch, testContext, type TestContext } from './context.ts';
import { newKey, pin, type SigningKey } from './keys.ts';
import { MirrorServer } from './server.ts';

export interface SignedMirror {
  /** The same for all tests of a file; `writeArchive` signs with it. */
  readonly key: SigningKey;
  /** Its public half: a file, and what is in it. */
  readonly keyFile: string;
  readonly keyText: string;
  /** The folder that `writeArchive` fills and the mirror serves. */
  readonly root: string;
  readonly server: MirrorServer;
  /** Knows the mirror by the name `test`. */
  readonly ctx: TestContext;
}

/** Makes one before each test and hands it to `use`; its mirror is stopped after the test. */
export function withSignedMirror(use: (made: SignedMirror) => void): void {
  let key: SigningKey;
  let server: MirrorServer;
  beforeAll(async () => {
    key = await newKey();
  });
  beforeEach(async () => {
    const root = await scratch();
    server = await MirrorServer.start(root);
    const ctx = await testContext({ env: { VSEC_MIRROR_TEST: server.url } });
    const keyFile = await pin(join(await scratch(), 'key.asc'), key);
    use({ key, keyFile, keyText: readFileSync(keyFile, 'utf8'), root, server, ctx });
  });
  afterEach(() => server.stop());
}
