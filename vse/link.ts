/** A document and all that it extends → the stack of layers, lowest first, each once. */
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { misuse, VsecError } from './diagnostic.ts';
import type { Span } from './diagnostic.ts';
import type { Findings } from './findings.ts';
import type { Layer } from './layer.ts';
import { locate } from './locate.ts';
import type { LocateOptions, Location } from './locate.ts';
import { parse } from './parse.ts';
import { decode, readLayerFile } from './read-file.ts';
import type { LayerText } from './read-file.ts';
import { reaches, showPublished } from './published.ts';
import type { OpenedBase, Published } from './published.ts';
import { hostFilesOf } from './host-files.ts';
import { validate } from './validate.ts';
import type { LayerFile } from './validate.ts';
import { createHash } from 'node:crypto';

export interface LinkOptions extends LocateOptions {
  /** How a base is fetched by its address; without it such a base is an error. */
  readonly readUrl?: ((url: string, sha256: string) => Promise<Uint8Array>) | undefined;
  /** How what was published is fetched and verified; without it such a base is an error. */
  readonly openPublished?: ((reference: string) => Promise<OpenedBase>) | undefined;
}

type Named = Exclude<Location, { readonly type: 'published' }>;

const MAX_LAYERS = 200;

export interface Stack {
  /** Lowest first. */
  readonly layers: readonly Layer[];
  /** Every layer that was named could be read and understood as YAML. */
  readonly whole: boolean;
}

export async function link(
  target: Location,
  options: LinkOptions,
  findings: Findings,
): Promise<Stack> {
  const linker = new Linker(options, findings);
  await linker.visit(target, undefined);
  warnOfNamesakes(linker.layers, findings);
  return linker;
}

class Linker implements Stack {
  readonly layers: Layer[] = [];
  whole = true;
  readonly #options: LinkOptions;
  readonly #findings: Findings;
  /** Documents that were applied already, by what identifies them. */
  readonly #done = new Set<string>();
  /** The chain of documents that led here. */
  readonly #open: {
    readonly id: string;
    readonly file: string;
    readonly span: Span | undefined;
  }[] = [];

  constructor(options: LinkOptions, findings: Findings) {
    this.#options = options;
    this.#findings = findings;
  }

  async visit(target: Location, referrer: Span | undefined): Promise<void> {
    const location =
      target.type === 'published' ? await this.#fetch(target.reference, referrer) : target;
    if (!location) return;
    const file = location.type === 'file' ? location.file : location.url;
    const id = location.type === 'file' ? realPath(location.path) : location.sha256;
    if (this.#done.has(id) || this.#isCycle(id, file, referrer) || this.#isTooHigh(referrer))
      return;
    const text = await this.#read(location, referrer);
    const root = text && parse(text.source, this.#findings);
    if (!text || !root) {
      this.#done.add(id);
      this.whole = false;
      return;
    }
    const layer = validate(root, surroundings(location, file, text.sha256), this.#findings);
    confine(layer, location, this.#findings);
    this.#open.push({ id, file, span: referrer });
    for (const { text: reference, span } of layer.extends) {
      const from =
        location.type === 'file'
          ? {
              directory: dirname(location.path),
              self: location.path,
              span,
              within: location.within,
            }
          : { directory: '/', span };
      const base = locate(reference, from, this.#options, this.#findings);
      if (base) await this.visit(base, span);
      else this.whole = false;
    }
    this.#open.pop();
    this.#done.add(id);
    this.layers.push(layer);
  }

  async #fetch(reference: string, referrer: Span | undefined): Promise<Named | undefined> {
    const { openPublished } = this.#options;
    try {
      if (!openPublished) throw misuse('VSE044', 'Bases are not fetched by their address here');
      const within = await openPublished(reference);
      const path = join(within.root, within.main);
      return { type: 'file', path, file: showPublished(within, path), within };
    } catch (error) {
      this.#refuse(error, referrer);
      return undefined;
    }
  }

  /** What is wrong with a base is told where it is named. */
  #refuse(error: unknown, referrer: Span | undefined): void {
    if (!(error instanceof VsecError)) throw error;
    for (const { code, message, notes, hint } of error.diagnostics)
      this.#findings.error(code, message, { span: referrer, notes, hint });
    this.whole = false;
  }

  async #read(location: Named, referrer: Span | undefined): Promise<LayerText | undefined> {
    if (location.type === 'file')
      return readLayerFile(location.path, location.file, referrer, this.#findings);
    const { url, sha256 } = location;
    const { readUrl } = this.#options;
    if (!readUrl) {
      this.#refuse(misuse('VSE044', 'Bases are not fetched by their address here'), referrer);
      return undefined;
    }
    let bytes: Uint8Array;
    try {
      bytes = await readUrl(url, sha256);
    } catch (cause) {
      this.#refuse(cause, referrer);
      return undefined;
    }
    const found = createHash('sha256').update(bytes).digest('hex');
    if (found === sha256) return decode(bytes, url, this.#findings);
    this.#findings.error('VSE043', `'${url}' is not what the layer was written for`, {
      span: referrer,
      notes: [{ message: `expected sha256 ${sha256}` }, { message: `fetched  sha256 ${found}` }],
      hint: 'Look at what changed there before you write the new digest down.',
    });
    return undefined;
  }

  #isCycle(id: string, file: string, referrer: Span | undefined): boolean {
    const start = this.#open.findIndex((open) => open.id === id);
    if (start < 0) return false;
    const cycle = this.#open.slice(start);
    const names = [...cycle.map((open) => open.file), file];
    this.#findings.error('VSE041', `Layers extend each other in a circle: ${names.join(' → ')}`, {
      span: referrer,
      notes: cycle
        .slice(1)
        .flatMap((open) =>
          open.span ? [{ message: `extends ${open.file}`, span: open.span }] : [],
        ),
      hint: "Take one of these out of its 'extends'.",
    });
    this.whole = false;
    return true;
  }

  #isTooHigh(referrer: Span | undefined): boolean {
    if (this.#open.length + this.layers.length < MAX_LAYERS) return false;
    if (this.whole)
      this.#findings.error('VSE045', `More than ${MAX_LAYERS} layers`, { span: referrer });
    this.whole = false;
    return true;
  }
}

function surroundings(location: Named, file: string, sha256: string): LayerFile {
  if (location.type === 'url') {
    const published = {
      reference: `${location.url}#sha256=${location.sha256}`,
      digest: `sha256:${location.sha256}`,
    };
    return { file, sha256, directory: '/', published };
  }
  const { path, within } = location;
  return {
    file,
    sha256,
    directory: dirname(path),
    ...(within ? { published: known(within) } : { path }),
  };
}

/** What others said of it, without where it lies here. */
const known = ({ reference, digest, version, signedBy }: OpenedBase): Published => ({
  reference,
  digest,
  ...(version !== undefined && { version }),
  ...(signedBy !== undefined && { signedBy }),
});

/** What came from elsewhere reads no file of the host. */
function confine(layer: Layer, location: Named, findings: Findings): void {
  const within = location.type === 'file' ? location.within : undefined;
  if (location.type === 'file' && !within) return;
  for (const { path, span } of hostFilesOf(layer))
    if (!within || !reaches(within, path))
      findings.error('VSE047', `A published base names a file outside of itself: '${path}'`, {
        span,
        hint: "A base brings its files along: 'vsec publish' packs them.",
      });
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Origins name layers: two that are called the same make them hard to read. */
function warnOfNamesakes(layers: readonly Layer[], findings: Findings): void {
  const byName = new Map<string, Layer>();
  for (const layer of layers) {
    const other = byName.get(layer.name);
    byName.set(layer.name, layer);
    if (!other || layer.name === 'unnamed') continue;
    findings.warning('VSE046', `Two layers of this environment are called '${layer.name}'`, {
      span: layer.span,
      notes: [{ message: 'the other one', span: other.span }],
      hint: 'Give one of them another name, so that explanations can tell them apart.',
    });
  }
}
