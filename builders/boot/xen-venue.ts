/** One Xen host for all the guests that are started one after the other, and not a host for each. */
import { rmSync } from 'node:fs';
import { VsecError } from '../../vse/diagnostic.ts';
import type { Context } from '../../vse/report.ts';
import type { Accelerator } from '../backend.ts';
import type { Toolbox } from '../toolbox.ts';
import { awaitServer } from './login.ts';
import { makeScratch } from './scratch.ts';
import { XenHost } from './xen-host.ts';

/** What a host is started from, and with. */
export interface XenHostSource {
  /** Absolute path of the bundle of a host. */
  readonly bundle: string;
  readonly toolbox: Toolbox;
}

export interface VenueNeeds {
  readonly accelerator: Accelerator;
  /** Bytes. */
  readonly guestMemory: number;
  /** Of the host. */
  readonly processors: number;
  /** Milliseconds until the host, where it must be started first, must be up. */
  readonly timeout: number;
  /** Gets the console of a host that is started. */
  readonly keep?: (chunk: Buffer) => void;
}

/** Milliseconds in which a host that is up must answer, or another takes its place. */
const ANSWER = 60_000;

export class XenVenue {
  private readonly obtain: () => Promise<XenHostSource>;
  private source: Promise<XenHostSource> | undefined;
  private host: XenHost | undefined;
  private needs: VenueNeeds | undefined;
  private scratch: string | undefined;

  /** `obtain` gets the bundle of a host, building it first if need be. */
  constructor(obtain: () => Promise<XenHostSource>) {
    this.obtain = obtain;
  }

  /**
   * The host, started at the first call; one that died since, or is too small, is replaced. A host
   * that does not come up is returned as it is, and not started again for the same needs.
   */
  async enter(needs: VenueNeeds, ctx: Context): Promise<XenHost> {
    const { host } = this;
    if (host && this.fits(needs) && (!host.up || (await answers(host, ctx)))) return host;
    await this.close();
    const { bundle, toolbox } = await (this.source ??= this.obtain());
    this.scratch = makeScratch(ctx);
    this.needs = needs;
    this.host = await XenHost.start({ ...needs, bundle, scratch: this.scratch }, toolbox, ctx);
    return this.host;
  }

  /** Ends the host, if there is one. The venue can be entered again. */
  async close(): Promise<void> {
    await this.host?.stop();
    this.host = undefined;
    if (this.scratch !== undefined) rmSync(this.scratch, { recursive: true, force: true });
    this.scratch = undefined;
  }

  private fits({ accelerator, guestMemory, processors }: VenueNeeds): boolean {
    return (
      this.needs?.accelerator === accelerator &&
      this.needs.processors === processors &&
      this.needs.guestMemory >= guestMemory
    );
  }
}

async function answers(host: XenHost, { signal }: Context): Promise<boolean> {
  try {
    await awaitServer(host.way, signal, ANSWER);
    return true;
  } catch (problem) {
    if (problem instanceof VsecError) return false;
    throw problem;
  }
}
