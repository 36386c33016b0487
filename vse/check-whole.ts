/** What no single layer can be blamed for: checks of the merged options as a whole. */
import type { Cell } from './cells.ts';
import type { Span } from './diagnostic.ts';
import type { Findings } from './findings.ts';
import type { Layer } from './layer.ts';

/** `top` is the layer that names the environment. */
export function checkWhole(options: Cell, top: Layer, findings: Findings): void {
  checkVendor(options, top, findings);
  const entries = (key: string): [string, Cell, Span | undefined][] =>
    [...(options.at([key])?.children ?? [])].map(([name, cell]) => [
      name,
      cell,
      cell.held?.origins[0]?.span,
    ]);
  const lacks = (message: string, span: Span | undefined, hint: string): void =>
    findings.error('VSE063', message, { span, hint });

  for (const [name, cell, span] of entries('repositories')) {
    if (!cell.children.has('mirror') && !cell.children.has('uri'))
      lacks(`Repository '${name}' has no address`, span, "Give its 'mirror' or its 'uri'.");
    if (!cell.children.has('suites'))
      lacks(`Repository '${name}' has no suite`, span, "As in 'suites: [bookworm]'.");
    if (!cell.children.has('signed-by'))
      lacks(
        `Repository '${name}' names no key that may sign it`,
        span,
        "As in 'signed-by: [./keys/archive.asc]': vsec trusts nothing else.",
      );
  }
  for (const [name, cell, span] of entries('scripts'))
    if (!cell.children.has('run'))
      lacks(`Script '${name}' has nothing to run`, span, "Give its text as 'run'.");
  const hypervisor = options.at(['hypervisor']);
  if (hypervisor && !hypervisor.children.has('package'))
    lacks(
      'The hypervisor has no package',
      [...hypervisor.walk()][0]?.held.origins[0]?.span,
      "Give it as 'hypervisor: {package: …}'.",
    );
  checkFiles(entries('files'), findings);
  checkDisk(options, findings);
}

function checkVendor(options: Cell, top: Layer, findings: Findings): void {
  const hint = "A vendor base does: 'extends: debian-12'.";
  const missing = ['id', 'release', 'architecture'].filter(
    (key) => !options.at(['distribution', key]),
  );
  if (missing.length > 0)
    findings.error('VSE060', `No layer says the distribution's ${missing.join(', ')}`, {
      span: top.span,
      hint,
    });
  else if (!options.at(['repositories']))
    findings.error('VSE060', 'No layer gives a repository to take packages from', {
      span: top.span,
      hint,
    });
}

const KINDS = ['content', 'source', 'link', 'directory'];

function checkFiles(
  files: readonly (readonly [string, Cell, Span | undefined])[],
  findings: Findings,
): void {
  const notFolders = new Map<string, Span | undefined>();
  for (const [path, cell, span] of files) {
    if (!cell.children.has('directory')) notFolders.set(path, span);
    if (KINDS.some((kind) => cell.children.has(kind))) continue;
    findings.error('VSE063', `'${path}' has no content`, {
      span,
      hint: `Give one of ${KINDS.join(', ')}.`,
    });
  }
  for (const [path, , span] of files) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const parent = path.slice(0, end);
      if (!notFolders.has(parent)) continue;
      const place = notFolders.get(parent);
      findings.error('VSE064', `'${path}' lies below '${parent}', which is not a folder`, {
        span,
        notes: place ? [{ message: 'given here', span: place }] : [],
      });
    }
  }
}

function checkDisk(options: Cell, findings: Findings): void {
  const size = options.at(['image', 'size'])?.held;
  const disk = options.at(['machine', 'disk'])?.held;
  if (size?.content.type !== 'value' || disk?.content.type !== 'value') return;
  const [bytes, room] = [size.content.value, disk.content.value];
  if (typeof bytes !== 'number' || typeof room !== 'number' || room >= bytes) return;
  findings.error('VSE065', "The machine's disk is smaller than the image", {
    span: disk.origins.at(-1)!.span,
    notes: [{ message: 'the size of the image', span: size.origins.at(-1)!.span }],
    hint: 'The disk must hold the image; leave machine.disk out for a disk of the same size.',
  });
}
