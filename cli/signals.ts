/** Ctrl-C, TERM and HUP: the first asks everything to stop, the second does not wait. */

export const INTERRUPTED = 130;

export interface Interruption {
  readonly signal: AbortSignal;
  release(): void;
}

/** `leave` restores the terminal; it is called before the process ends at a second signal. */
export function watchSignals(leave: () => void): Interruption {
  const controller = new AbortController();
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const handler = (name: NodeJS.Signals): void => {
    if (!controller.signal.aborted) {
      controller.abort(new DOMException(`stopped by ${name}`, 'AbortError'));
      return;
    }
    leave();
    process.exit(INTERRUPTED);
  };
  for (const name of names) process.on(name, handler);
  return {
    signal: controller.signal,
    release: () => names.forEach((name) => process.off(name, handler)),
  };
}
