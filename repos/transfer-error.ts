/** What can go wrong between here and a mirror, sorted by what may be done about it. */
import { errorCode } from './io-errors.ts';

export type TransferProblem =
  /** No answer: DNS, refused, time-out, TLS, connection lost. */
  | 'unreachable'
  /** An answer, and not the file: an HTTP status, a redirect that leads nowhere. */
  | 'status'
  | 'missing'
  /** The file ends early. */
  | 'truncated'
  /** The file has another length than it must have. */
  | 'length'
  /** The file has another content than it must have. */
  | 'digest'
  /** The file is whole, and its signature or date is not acceptable. */
  | 'untrusted';

/** One address did not give one file. Retried, tried elsewhere, and only then told to people. */
export class TransferError extends Error {
  readonly problem: TransferProblem;
  readonly url: string;
  /** Whether the same address may give the file a moment later. */
  readonly retry: boolean;
  /** Seconds that the server asked to wait. */
  readonly wait: number | undefined;

  constructor(
    problem: TransferProblem,
    url: string,
    message: string,
    options: { readonly retry?: boolean; readonly wait?: number; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'TransferError';
    this.problem = problem;
    this.url = url;
    this.retry = options.retry ?? false;
    this.wait = options.wait;
  }
}

const CONNECTION: Readonly<Record<string, readonly [message: string, retry: boolean]>> = {
  ENOTFOUND: ['host name not known (DNS)', false],
  EAI_AGAIN: ['host name cannot be looked up (DNS does not answer)', true],
  ECONNREFUSED: ['connection refused', true],
  ECONNRESET: ['connection lost', true],
  EPIPE: ['connection lost', true],
  EHOSTUNREACH: ['no route to host', true],
  ENETUNREACH: ['network unreachable', true],
  ENETDOWN: ['network is down', true],
  ETIMEDOUT: ['timed out while connecting', true],
  UND_ERR_CONNECT_TIMEOUT: ['timed out while connecting', true],
  UND_ERR_HEADERS_TIMEOUT: ['timed out waiting for an answer', true],
  UND_ERR_BODY_TIMEOUT: ['timed out: the transfer stalled', true],
  UND_ERR_SOCKET: ['connection lost', true],
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: ['connection lost', true],
};

/** The error of a request to `url` as a {@link TransferError}; others are given back as they are. */
export function transferError(url: string, error: unknown): unknown {
  if (error instanceof TransferError) return error;
  const causes: unknown[] = [error];
  for (const at of causes) {
    const { cause, errors } = (at ?? {}) as { cause?: unknown; errors?: unknown };
    if (cause) causes.push(cause);
    if (Array.isArray(errors)) causes.push(...(errors as unknown[]));
  }
  for (const at of causes) {
    const code = errorCode(at);
    const known = code === undefined ? undefined : CONNECTION[code];
    if (known) {
      return new TransferError('unreachable', url, known[0], { retry: known[1], cause: error });
    }
    if (code !== undefined && isTls(code)) {
      const message = `TLS: ${(at as Error).message}`;
      return new TransferError('unreachable', url, message, { cause: error });
    }
  }
  // What remains with a code is the system's, the parser's (HPE_…) or the proxy's: say it as it is.
  if (!(error instanceof Error) || errorCode(error) === undefined) return error;
  return new TransferError('unreachable', url, error.message, { retry: true, cause: error });
}

const isTls = (code: string): boolean =>
  code.startsWith('ERR_TLS') ||
  code.startsWith('ERR_SSL') ||
  /CERT|SELF_SIGNED|UNABLE_TO/.test(code);
