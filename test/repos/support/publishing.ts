/** A publisher and a user on one machine, each with folders of their own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openTarget } from '../../../repos/oci/open.ts';
import { BaseOpener } from '../../../repos/publish/fetch-base.ts';
import type { Freshness } from '../../../repos/publish/look-up.ts';
import { publishBase, type PublishedAs } from '../../../repos/publish/publish-base.ts';
import { createKey, openSigner, type Signer } from '../../../repos/signing/signer.ts';
import { showPublicKey } from '../../../repos/signing/public-key.ts';
import { loadVse } from '../../../vse/load.ts';
import type { OpenedBase } from '../../../vse/published.ts';
import { localLayers } from '../../../vse/reach.ts';
import { scratch, testContext, type TestContext } from './context.ts';

export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

export const layer = (version: string, more = ''): string =>
  `vse: 1\nname: base\nversion: ${version}\nadd:\n  packages: [nano]\n${more}`;

export class Publisher {
  readonly folder: string;
  readonly ctx: TestContext;
  readonly signer: Signer;

  private constructor(folder: string, ctx: TestContext, signer: Signer) {
    this.folder = folder;
    this.ctx = ctx;
    this.signer = signer;
  }

  static async create(): Promise<Publisher> {
    const folder = await scratch();
    const ctx = await testContext();
    const key = join(folder, 'key');
    await createKey(key);
    return new Publisher(join(folder, 'base'), ctx, await openSigner(key, ctx));
  }

  /** Writes `files` and publishes the layer `main` of them. */
  async publish(
    files: Readonly<Record<string, string>>,
    to: string,
    options: { readonly main?: string; readonly tags?: readonly string[] } = {},
  ): Promise<PublishedAs> {
    writeFiles(this.folder, files);
    const path = join(this.folder, options.main ?? 'base.yaml');
    const layers = await localLayers(path, { cwd: this.folder, env: this.ctx.env });
    const destination = openTarget(to, 'base', this.ctx);
    try {
      const { tags = [] } = options;
      return await publishBase(layers, destination, { tags, signer: this.signer }, this.ctx);
    } finally {
      await destination.target.close();
    }
  }
}

/** Somebody who trusts `publishers`: beginning of a name → signer. */
export class User {
  readonly ctx: TestContext;

  private constructor(ctx: TestContext) {
    this.ctx = ctx;
  }

  static async create(publishers: Readonly<Record<string, Signer>>): Promise<User> {
    const config = await scratch();
    const lines = Object.entries(publishers).map(
      ([prefix, { key }]) => `  '${prefix}': ${showPublicKey(key)}\n`,
    );
    writeFiles(config, { 'vsec/config.yaml': `publishers:\n${lines.join('')}` });
    return new User(await testContext({ env: { XDG_CONFIG_HOME: config } }));
  }

  open(
    reference: string,
    freshness: Freshness = 'check',
    ctx: TestContext = this.ctx,
  ): Promise<OpenedBase> {
    return new BaseOpener({ freshness, pins: () => Promise.resolve([]) }, ctx).open(reference);
  }

  /** Loads an environment with the text `text`. */
  async load(text: string) {
    const folder = await scratch();
    writeFiles(folder, { 'env.yaml': text });
    const bases = new BaseOpener({ freshness: 'check', pins: () => Promise.resolve([]) }, this.ctx);
    return loadVse('env.yaml', {
      cwd: folder,
      env: this.ctx.env,
      openPublished: (reference) => bases.open(reference),
    });
  }
}
