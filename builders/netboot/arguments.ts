/** The kernel command line of the netboot shim; `templates/netboot/init.sh` reads it. */
import type { GoldenImage, NetbootParts } from '../backend.ts';
import { kernelCommandLine, plainWord } from '../backends/quote.ts';

type ShimMode = 'install' | 'diskless';

export interface ShimSettings {
  /** The kernel's name for the console, `hvc0`. */
  readonly console: string;
  /** Of the head node, `http://10.0.0.1:8086`; whoever answered by DHCP when absent. */
  readonly server?: string;
  /** Its public key; configuration without a signature is accepted when absent. */
  readonly key?: string;
  /** Stay up for a look when a step fails. */
  readonly wait?: true;
}

/** The format that nodes of a mode fetch. */
const STREAMED: Readonly<Record<ShimMode, 'tar.zst' | 'squashfs'>> = {
  install: 'tar.zst',
  diskless: 'squashfs',
};

export const STREAM_FORMATS: readonly string[] = Object.values(STREAMED);

/** Arguments with which the shim makes a node of `image`: what it must be is among them. */
export function shimArguments(
  image: GoldenImage,
  mode: ShimMode,
  settings: ShimSettings,
): readonly string[] {
  const { rootLabel, rootUuid, streams } = partsOf(image);
  const stream = streams[STREAMED[mode]];
  if (!stream) throw new Error(`${image.stem} has no ${STREAMED[mode]}`);
  const { server, key, wait } = settings;
  return [
    `console=${settings.console}`,
    `vsec.mode=${mode}`,
    `vsec.image=${plainWord.quote(image.stem)}`,
    `vsec.file=${plainWord.quote(stream.file)}`,
    `vsec.sha256=${stream.sha256}`,
    `vsec.size=${stream.size}`,
    ...(mode === 'install' ? [`vsec.label=${rootLabel}`, `vsec.uuid=${rootUuid}`] : []),
    ...(server === undefined ? [] : [`vsec.server=${server}`]),
    key === undefined ? 'vsec.unsigned' : `vsec.key=${key}`,
    ...(wait ? ['vsec.wait'] : []),
    ...(mode === 'diskless' ? ownArguments(image) : []),
  ];
}

/** As one string. */
export const shimCommandLine = (
  image: GoldenImage,
  mode: ShimMode,
  settings: ShimSettings,
): string => kernelCommandLine(shimArguments(image, mode, settings));

/** What the environment itself says to its kernel, without its disk and its consoles. */
const ownArguments = ({ cmdline }: GoldenImage): readonly string[] =>
  cmdline.filter((argument) => !/^(root=|console=|ro$|rw$)/.test(argument));

/** The parts of a bundle that was built for a backend that wants the shim. */
export function partsOf(image: GoldenImage): NetbootParts {
  if (!image.netboot) throw new Error(`${image.stem} was built without the netboot shim`);
  return image.netboot;
}
