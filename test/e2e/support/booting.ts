/** Booting without the command line: several guests in one Xen host, or with something changed. */
import { createContext } from '../../../cli/context.ts';
import type { Session } from '../../../cli/session.ts';
import { obtainBootToolbox } from '../../../cli/toolboxes.ts';
import { obtainXenHost } from '../../../cli/xen-boot-host.ts';

export const ctx = createContext({
  report: () => undefined,
  signal: new AbortController().signal,
  env: process.env,
});

const session = { context: ctx, diagnose: () => undefined } as unknown as Session;

export const toolbox = () => obtainBootToolbox(session);
export const xenHost = () => obtainXenHost(session);
