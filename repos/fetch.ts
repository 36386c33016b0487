/** Getting one file from the first of several mirrors that gives it whole and right. */
import { setTimeout as sleep } from 'node:timers/promises';
import { failure, type VsecError } from '../vse/diagnostic.ts';
import { shownUrl, type GetOptions, type HttpClient, type HttpResponse } from './http.ts';
import type { PartialFile } from './partial-file.ts';
import { TransferError, type TransferProblem } from './transfer-error.ts';

/** How often one address is asked in vain before the next one is. */
const TRIES = 3;
/** The same when each time some more of the file comes. */
const TRIES_WITH_PROGRESS = 30;
const FIRST_PAUSE = 300;

/** Every mirror was asked; what each of them answered. */
export class AllMirrorsFailed extends Error {
  readonly attempts: readonly TransferError[];

  constructor(attempts: readonly TransferError[]) {
    super(attempts.map((attempt) => `${attempt.url}: ${attempt.message}`).join('; '));
    this.name = 'AllMirrorsFailed';
    this.attempts = attempts;
  }
}

/**
 * Runs `get` for one address after the other until one succeeds. What may pass is tried again
 * with growing pauses; other errors than {@link TransferError} end it at once.
 * @param progress how far the work is; what comes further than before does not count as in vain
 * @throws AllMirrorsFailed
 */
export async function fromMirrors<T>(
  urls: readonly string[],
  signal: AbortSignal,
  get: (url: string) => Promise<T>,
  progress = () => 0,
): Promise<T> {
  const attempts: TransferError[] = [];
  for (const url of urls) {
    let [inVain, furthest] = [0, 0];
    for (let tried = 1; ; tried++) {
      try {
        return await get(url);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof TransferError)) throw error;
        inVain = progress() > furthest ? 1 : inVain + 1;
        furthest = Math.max(furthest, progress());
        if (error.retry && inVain < TRIES && tried < TRIES_WITH_PROGRESS) {
          const pause = (error.wait ?? 0) * 1000 || FIRST_PAUSE * 3 ** (inVain - 1);
          await sleep(pause, undefined, { signal });
          continue;
        }
        attempts.push(error);
        break;
      }
    }
  }
  throw new AllMirrorsFailed(attempts);
}

export interface Download {
  /** Where the file can be had, best first. */
  readonly urls: readonly string[];
  /** Bytes. */
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  readonly signal: AbortSignal;
  /** What every request carries, besides the range. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Told how many bytes came, and less than zero when some have to come again. */
  readonly onBytes?: (difference: number) => void;
}

/**
 * Receives a file of known size and digest into `file`. After a lost connection it goes on where
 * it was (`Range`); a mirror that sends something else is given up for the next one.
 * @returns the address that gave it
 * @throws AllMirrorsFailed
 */
export async function download(
  client: HttpClient,
  file: PartialFile,
  wanted: Download,
): Promise<string> {
  let source: string | undefined;
  const restart = async () => {
    if (file.size === 0) return;
    wanted.onBytes?.(-file.size);
    await file.restart();
  };
  const get = async (url: string) => {
    if (source !== undefined && source !== url) await restart();
    source = url;
    const range = file.size > 0 && file.size < wanted.size && { range: `bytes=${file.size}-` };
    const headers = { ...wanted.headers, ...range };
    await client.get(url, { signal: wanted.signal, headers }, (response) =>
      receive(response, file, wanted, url, restart),
    );
    if (file.sha256 !== wanted.sha256) {
      throw new TransferError('digest', url, `has SHA-256 ${file.sha256}`);
    }
    return url;
  };
  return fromMirrors(wanted.urls, wanted.signal, get, () => file.size);
}

async function receive(
  { status, headers, body }: HttpResponse,
  file: PartialFile,
  { size, onBytes }: Download,
  url: string,
  restart: () => Promise<void>,
): Promise<void> {
  if (status === 304) throw new TransferError('status', url, 'HTTP status 304');
  const offset = Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? -1);
  const fits = status === 206 && offset === file.size;
  if (!fits) await restart();
  if (status === 416) throw new TransferError('truncated', url, 'ends early', { retry: true });
  if (status === 206 && !fits) {
    throw new TransferError('status', url, 'answers with another range', { retry: true });
  }
  const length = headers['content-length'];
  if (length !== undefined && file.size + Number(length) !== size) {
    throw new TransferError('length', url, `is ${file.size + Number(length)} bytes long`);
  }
  for await (const chunk of body) {
    if (file.size + chunk.length > size) {
      throw new TransferError('length', url, `is longer than ${size} bytes`);
    }
    await file.write(chunk);
    onBytes?.(chunk.length);
  }
  if (file.size < size) {
    throw new TransferError('truncated', url, `ends after ${file.size} bytes`, { retry: true });
  }
}

/** A small file of unknown size, in memory. */
export interface Bytes {
  /** Undefined: not modified. */
  readonly bytes: Buffer | undefined;
  readonly headers: HttpResponse['headers'];
}

/** @param options `limit` in bytes. @throws TransferError */
export async function getBytes(
  client: HttpClient,
  url: string,
  options: GetOptions & { readonly limit: number },
): Promise<Bytes> {
  return client.get(url, options, async ({ status, headers, body }) => {
    if (status === 304) return { bytes: undefined, headers };
    if (status !== 200) throw new TransferError('status', url, `HTTP status ${status}`);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of body) {
      size += chunk.length;
      if (size > options.limit) {
        throw new TransferError('length', url, `is longer than ${options.limit} bytes`);
      }
      chunks.push(chunk);
    }
    return { bytes: Buffer.concat(chunks), headers };
  });
}

const TAMPERED: readonly TransferProblem[] = ['digest', 'length'];

/**
 * The diagnostic for a file that no mirror gave. What the mirrors did give and was wrong weighs
 * more than what could not be reached.
 *
 * @param what such as `package bash 5.2-1 of repository main`
 * @param wrong the code for a file with wrong content
 */
export function downloadFailure(
  failed: AllMirrorsFailed,
  what: string,
  wrong: 'REPO140' | 'REPO150',
  wanted?: { readonly sha256: string; readonly size: number },
): VsecError {
  const { attempts } = failed;
  const find = (...problems: readonly TransferProblem[]) =>
    attempts.find((attempt) => problems.includes(attempt.problem));
  const notes = attempts.map((a) => ({ message: `${shownUrl(a.url)}: ${a.message}` }));
  if (find(...TAMPERED)) {
    const must = wanted && [
      { message: `expected ${wanted.size} bytes with SHA-256 ${wanted.sha256}` },
    ];
    return failure(wrong, `${what} is tampered with or corrupt`, {
      notes: [...notes, ...(must ?? [])],
      hint: 'the mirror may be in the middle of an update: try again in a few minutes, or use another mirror (VSEC_MIRROR_<NAME>)',
    });
  }
  if (find('truncated')) {
    return failure('REPO151', `${what} ends early, again and again`, {
      notes,
      hint: 'the copy on the mirror, or a proxy on the way, is damaged: use another mirror (VSEC_MIRROR_<NAME>)',
    });
  }
  if (attempts.length > 0 && attempts.every((attempt) => attempt.problem === 'missing')) {
    return failure('REPO152', `${what} is on none of the mirrors`, {
      notes,
      hint: "archives drop old versions: 'vsec lock --upgrade' takes the present ones",
    });
  }
  return unreachable(attempts, `cannot fetch ${what}`);
}

/** REPO110: no mirror gave an answer that helps. */
export function unreachable(attempts: readonly TransferError[], message: string): VsecError {
  const tls = attempts.some((attempt) => attempt.message.startsWith('TLS'));
  const check = tls
    ? 'if the authority of that certificate is one of yours, name its file in NODE_EXTRA_CA_CERTS'
    : 'check the network and the proxy variables (http_proxy, https_proxy)';
  return failure('REPO110', message, {
    notes: attempts.map((a) => ({ message: `${shownUrl(a.url)}: ${a.message}` })),
    hint: `${check}, or use another mirror (VSEC_MIRROR_<NAME>)`,
  });
}
