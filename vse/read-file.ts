/** Bytes → text: what can go wrong before the first line of a layer is looked at. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { DiagnosticDetails, Span } from './diagnostic.ts';
import type { Findings } from './findings.ts';
import { showSize } from './size.ts';
import { sourceText, spanOf } from './source-text.ts';
import type { SourceText } from './source-text.ts';

/** A layer is written by people: one larger than this is something else. Bytes. */
export const MAX_LAYER_SIZE = 2 ** 20;

export interface LayerText {
  readonly source: SourceText;
  /** SHA-256 of the bytes, hex. */
  readonly sha256: string;
}

/**
 * Reads the file at `path`, which is shown to people as `file`; `referrer` is the place that names
 * it. Undefined when it cannot be had, with the reason found.
 */
export function readLayerFile(
  path: string,
  file: string,
  referrer: Span | undefined,
  findings: Findings,
): LayerText | undefined {
  const refuse = (code: string, message: string, hint?: string): undefined => {
    const details: DiagnosticDetails = { span: referrer, hint };
    findings.error(code, message, details);
    return undefined;
  };
  let bytes: Buffer;
  try {
    const stat = statSync(path);
    if (stat.isDirectory())
      return refuse(
        'VSE003',
        `'${file}' is a folder: a layer is a file`,
        'Name the YAML file in it.',
      );
    if (!stat.isFile()) return refuse('VSE003', `'${file}' is not a regular file`);
    if (stat.size > MAX_LAYER_SIZE)
      return refuse(
        'VSE004',
        `'${file}' is too large for a layer: ${stat.size} bytes, where ${showSize(MAX_LAYER_SIZE)} is the most`,
        "Put large contents into a file of its own and name it as 'source'.",
      );
    bytes = readFileSync(path);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    return reason === 'ENOENT'
      ? refuse('VSE001', `There is no file '${file}'`, referrer && HOW_PATHS_START)
      : refuse('VSE002', `'${file}' cannot be read: ${explain(reason)}`);
  }
  return decode(bytes, file, findings);
}

const HOW_PATHS_START = "Paths in 'extends' start at the folder of the file that names them.";

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ELOOP: 'its symbolic links go round in a circle',
  ENOTDIR: 'a part of its path is not a folder',
  ENAMETOOLONG: 'its name is too long',
};

export const explain = (errno: string): string => REASONS[errno] ?? errno;

/** UTF-8 bytes as text with places; `file` is what people are shown. */
export function decode(bytes: Uint8Array, file: string, findings: Findings): LayerText | undefined {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const source = sourceText(file, text);
    const nul = text.indexOf('\0');
    if (nul < 0) return { source, sha256 };
    findings.error('VSE005', `'${file}' is not text: it holds a NUL byte`, {
      span: spanOf(source, nul),
    });
  } catch {
    const readable = readableText(bytes);
    const utf16 = bytes[0] === 0xff || bytes[0] === 0xfe;
    findings.error('VSE005', `'${file}' is not UTF-8 text`, {
      span: spanOf(sourceText(file, readable), readable.length),
      hint: utf16
        ? 'It looks like UTF-16: save it as UTF-8.'
        : "Save it as UTF-8, for example with 'iconv -f ISO-8859-1 -t UTF-8'.",
    });
  }
  return undefined;
}

/** What can be decoded before the first bad byte. */
function readableText(bytes: Uint8Array): string {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, middle), { stream: true });
      low = middle;
    } catch {
      high = middle - 1;
    }
  }
  return decoder.decode(bytes.subarray(0, low), { stream: true });
}
