/** A document and all that it extends → the stack of layers, lowest first, each once. */
import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Span } from './diagnostic.ts';
import type { Findings } from './findings.ts';
import type { Layer } from './layer.ts';
import { locate } from './locate.ts';
import type { LocateOptions, Location } from './locate.ts';
import { parse } from './parse.ts';
import { decode, explain, readLayerFile } from './read-file.ts';
import type { LayerText } from './read-file.ts';
import { validate } from './validate.ts';
import { createHash } from 'node:crypto';

export interface LinkOptions extends LocateOptions {
  /** How a base is fetched by its address; without it such a base is an error. */
  readonly readUrl?: ((url: string) => Promise<Uint8Array>) | undefined;
}

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

  async visit(location: Location, referrer: Span | undefined): Promise<void> {
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
    const directory = location.type === 'file' ? dirname(location.path) : '/';
    const layer = validate(root, { file, sha256: text.sha256, directory }, this.#findings);
    this.#open.push({ id, file, span: referrer });
    for (const { text: reference, span } of layer.extends) {
      const from =
        location.type === 'file' ? { directory, self: location.path, span } : { directory, span };
      const base = locate(reference, from, this.#options, this.#findings);
      if (base) await this.visit(base, span);
      else this.whole = false;
    }
    this.#open.pop();
    this.#done.add(id);
    this.layers.push(layer);
  }

  async #read(location: Location, referrer: Span | undefined): Promise<LayerText | undefined> {
    if (location.type === 'file')
      return readLayerFile(location.path, location.file, referrer, this.#findings);
    const { url, sha256 } = location;
    if (!this.#options.readUrl) {
      this.#findings.error('VSE044', 'Bases are not fetched by their address yet', {
        span: referrer,
        hint: "Fetch it yourself and extend the file: './base.yaml'.",
      });
      return undefined;
    }
    let bytes: Uint8Array;
    try {
      bytes = await this.#options.readUrl(url);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : explain(String(cause));
      this.#findings.error('VSE002', `'${url}' cannot be fetched: ${reason}`, { span: referrer });
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
