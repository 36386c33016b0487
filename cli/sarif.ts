/** Diagnostics as SARIF 2.1.0 (OASIS), which code hosts and editors show beside the lines. */
import { isAbsolute, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Diagnostic, Severity, Span } from '../vse/diagnostic.ts';

const LEVEL: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  error: 'error',
  warning: 'warning',
  info: 'note',
};

/** One run of `vsec check`. Paths below `cwd` are relative to it, as code hosts want them. */
export function toSarif(diagnostics: readonly Diagnostic[], version: string, cwd: string) {
  const rules = [...new Set(diagnostics.map(({ code }) => code))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0' as const,
    runs: [
      {
        tool: {
          driver: {
            name: 'vsec',
            version,
            rules: rules.map((id) => ({
              id,
              shortDescription: { text: titleOf(id, diagnostics) },
            })),
          },
        },
        columnKind: 'utf16CodeUnits' as const,
        originalUriBaseIds: { CWD: { uri: `${pathToFileURL(cwd).href}/` } },
        results: diagnostics.map((diagnostic) => ({
          ruleId: diagnostic.code,
          ruleIndex: rules.indexOf(diagnostic.code),
          level: LEVEL[diagnostic.severity],
          message: { text: messageOf(diagnostic) },
          ...(diagnostic.span && { locations: [locationOf(diagnostic.span, cwd)] }),
          ...relatedOf(diagnostic, cwd),
        })),
      },
    ],
  };
}

/** SARIF has no place for what to do next but the message. */
function messageOf({ message, notes, hint }: Diagnostic): string {
  const plain = notes.filter(({ span }) => !span).map((note) => note.message);
  return [message, ...plain, ...(hint === undefined ? [] : [hint])].join('\n');
}

/** Rules want a text; the first message that has the code says what it is about. */
const titleOf = (id: string, diagnostics: readonly Diagnostic[]): string =>
  diagnostics.find(({ code }) => code === id)?.message ?? id;

function relatedOf({ notes }: Diagnostic, cwd: string) {
  const relatedLocations = notes.flatMap(({ message, span }) =>
    span ? [{ ...locationOf(span, cwd), message: { text: message } }] : [],
  );
  return relatedLocations.length > 0 ? { relatedLocations } : {};
}

function locationOf({ file, line, column, endColumn, text }: Span, cwd: string) {
  return {
    physicalLocation: {
      artifactLocation: artifactOf(file, cwd),
      region: {
        startLine: line,
        startColumn: column,
        ...(endColumn !== undefined && { endColumn }),
        ...(text !== undefined && { snippet: { text } }),
      },
    },
  };
}

function artifactOf(file: string, cwd: string) {
  // A shipped or published base has a name and no place here.
  if (/^[a-z][a-z+]*:/.test(file)) return { uri: encodeURI(file) };
  const path = isAbsolute(file) ? relative(cwd, file) : file;
  if (path.startsWith('..')) return { uri: pathToFileURL(file).href };
  return { uri: path.split('/').map(encodeURIComponent).join('/'), uriBaseId: 'CWD' };
}
