import { explainPackage } from '../../repos/explain-package.ts';
import { lockOf } from '../../repos/lock-architectures.ts';
import { resolveVse } from '../../repos/lock-vse.ts';
import type { Universe } from '../../repos/universe.ts';
import { misuse } from '../../vse/diagnostic.ts';
import { explainOption, suggestOption, type OptionExplanation } from '../../vse/explain.ts';
import { shorten } from '../../vse/node.ts';
import type { Origin, TracedVse } from '../../vse/types.ts';
import { arch, architectureName } from '../architecture.ts';
import { defineCommand, type ExitCode } from '../command.ts';
import { ENV, openEnvironment } from '../environment.ts';
import { optionText, packageText } from '../explain-text.ts';
import { lockBeside } from '../lock-beside.ts';
import { json, offline } from '../options.ts';
import type { Session } from '../session.ts';

const jsonOrigin = (origin: Origin) => ({
  ...{ layer: origin.layer, verb: origin.verb, file: origin.span.file },
  ...{ line: origin.span.line, column: origin.span.column },
  ...(origin.replaced !== undefined && { replaced: origin.replaced }),
});

const optionJson = (found: OptionExplanation) => ({
  ...found,
  given: found.given.map((entry) => ({ ...entry, origins: entry.origins.map(jsonOrigin) })),
  taken: found.taken.map((entry) => ({ ...entry, origins: entry.origins.map(jsonOrigin) })),
  protectedBy: found.protectedBy.map(jsonOrigin),
});

/** `packages.gcc` is an option that is best explained as the package; so is a request for it. */
const packageName = (what: string): string =>
  what.replace(/^packages\./, '').replace(/^([^\s:(]+)(:[a-z0-9-]+)?\s*(\(.*\))?\s*$/, '$1');

/** What may be meant by what is neither an option nor a package. */
function whatIsMeant(what: string, vse: TracedVse, universe: Universe): string {
  const lower = what.toLowerCase();
  const options = [what.replace(/\.+$/, ''), `files.${what}`, `kernel.cmdline.${what}`];
  const given = options.find((path) => path !== what && explainOption(vse, path)?.given.length);
  if (lower !== what && universe.versions(lower).length > 0) return `Did you mean '${lower}'?`;
  if (given !== undefined) return `Did you mean '${given}'?`;
  const near = suggestOption(vse, what);
  return near ?? "Options are named as in 'image.size', packages as in 'gcc'.";
}

async function tellPackage(
  name: string,
  target: string,
  vse: TracedVse,
  asJson: boolean,
  session: Session,
): Promise<ExitCode> {
  const beside = await lockBeside(target);
  const previous = beside && lockOf(beside, vse.config.distribution.architecture);
  const resolved = await resolveVse(vse, session.context, { essential: true, previous });
  const { universe } = resolved;
  const found = explainPackage(name, vse, universe, resolved);
  const able = [...universe.satisfying({ name, relations: [] })].map((c) => universe.info(c).name);
  const providers = [...new Set(able)].filter((provider) => provider !== name).sort();
  const unknown = found.candidates.length === 0 && providers.length === 0;
  if (unknown && !found.excludedBy && !found.removedBy) {
    const option = whatIsMeant(name, vse, universe);
    const similar = found.similar.join(', ');
    throw misuse('CLI008', `'${shorten(name)}' is neither an option nor a package that is known`, {
      hint: similar && !option.startsWith('Did') ? `Packages nearly like it: ${similar}.` : option,
    });
  }
  if (asJson) session.printJson({ ...found, providers });
  else session.print(packageText(found, providers, session.colors));
  return 0;
}

export default defineCommand({
  description: `Says why a value is what it is, or why it is not there: every layer that gave,
    changed or took it, newest first, and those that protect it.

    Of a package: who asks for it, the shortest chain of dependencies that brings it in, what was
    passed over for it and why, which versions there are, and what would leave the image with it;
    or why it is not installed, and what would happen if a layer asked for it. For this the
    environment is resolved, as 'vsec lock' does it: near the lock, if there is one.`,
  arguments: [
    ENV,
    {
      name: 'PATH|PACKAGE',
      describe: 'an option (image.size, files./etc/motd) or a package',
      complete: 'package',
    },
  ],
  options: {
    package: { kind: 'flag', describe: 'Explain the package where an option has the same name' },
    arch,
    offline,
    json,
  },
  examples: [
    { command: 'vsec explain cfd.yaml image.size', does: 'who set it, and what it was' },
    { command: 'vsec explain cfd.yaml libssl3', does: 'who brought it in, what leaves with it' },
    { command: 'vsec explain cfd.yaml exim4-base', does: 'why it is not there' },
    { command: 'vsec explain cfd.yaml hostname --package', does: 'the package, not the option' },
  ],
  async run({ args: [target = '', what = ''], options, session }) {
    const architecture =
      options.arch === undefined ? {} : { architecture: architectureName(options.arch) };
    const vse = await openEnvironment(target, session, architecture);
    const isPackage = options.package || what.startsWith('packages.');
    const found = isPackage ? undefined : explainOption(vse, what);
    if (!found) return tellPackage(packageName(what), target, vse, options.json, session);
    if (options.json) session.printJson(optionJson(found));
    else session.print(optionText(found, session.colors));
    return 0;
  },
});
