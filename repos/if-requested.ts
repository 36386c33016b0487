/** What would happen if a layer asked for a package: tried, not guessed. */
import { VsecError, type Note } from '../vse/diagnostic.ts';
import type { Installation } from './installation.ts';
import { resolve } from './resolve.ts';

export interface IfRequested {
  readonly possible: boolean;
  /** Names of all packages that would come, itself included; empty when it is not possible. */
  readonly brings: readonly string[];
  /** Names of packages that would go for it. */
  readonly drops: readonly string[];
  /** Bytes, the difference of what is installed. */
  readonly installedSize: number;
  /** The whole chain of why it is not possible. */
  readonly conflict: { readonly message: string; readonly notes: readonly Note[] } | null;
}

/** Resolves once more, as if the topmost layer asked for the package. */
export function ifRequested(name: string, system: Installation): IfRequested {
  const { vse, universe, packages } = system;
  const request = { name, relations: [], origins: [], layer: vse.layers.length - 1 };
  const asking = { ...vse, packages: [...vse.packages, request] };
  try {
    const after = resolve(asking, universe, { essential: true }).packages;
    const [before, now] = [packages, after].map((all) => new Set(all.map((one) => one.name)));
    const size = (all: typeof packages) => all.reduce((sum, one) => sum + one.installedSize, 0);
    return {
      possible: true,
      brings: [...now!].filter((one) => !before!.has(one)).sort(),
      drops: [...before!].filter((one) => !now!.has(one)).sort(),
      installedSize: size(after) - size(packages),
      conflict: null,
    };
  } catch (error) {
    if (!(error instanceof VsecError)) throw error;
    const { message, notes } = error.diagnostics[0]!;
    return {
      ...{ possible: false, brings: [], drops: [], installedSize: 0 },
      conflict: { message, notes },
    };
  }
}
