/** The two standard streams: what may be written where, and in colour or not. */
import pc from 'picocolors';

export type Colors = ReturnType<typeof pc.createColors>;
export type Env = Readonly<Record<string, string | undefined>>;

/** Follows https://no-color.org; `FORCE_COLOR` turns colours on for a stream that is no terminal. */
export function wantsColor(env: Env, isTty: boolean, forbidden: boolean): boolean {
  if (forbidden || env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] && env['FORCE_COLOR'] !== '0') return true;
  return isTty && env['TERM'] !== 'dumb';
}

export const colors = (enabled: boolean): Colors => pc.createColors(enabled);

/**
 * Makes a closed pipe quiet (`vsec show x | head`) and any other failure to write an error:
 * a result that nobody could read was not delivered.
 */
export function guardStreams(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
    try {
      process.stderr.write(`vsec: cannot write to standard output: ${error.message}\n`);
    } finally {
      process.exit(1);
    }
  });
  process.stderr.on('error', () => {
    /* Nobody listens; there is nowhere left to say so. */
  });
}

/** Resolves when what was written to standard output has left, and its errors were seen. */
export const outputDelivered = (): Promise<void> =>
  new Promise((resolve) => process.stdout.write('', () => setImmediate(resolve)));
