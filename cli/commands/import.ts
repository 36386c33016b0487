import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { readV3mProfile } from '../../builders/backends/v3m-profile.ts';
import type { ProfileType } from '../../builders/backends/v3m-profile.ts';
import { misuse } from '../../vse/diagnostic.ts';
import { machineLayer } from '../../vse/machine-layer.ts';
import { defineCommand } from '../command.ts';
import { openEnvironment } from '../environment.ts';
import { writeNew } from '../new-file.ts';

const DEFAULT_BASE = 'debian-12';

const BACKENDS: Readonly<Record<ProfileType, string>> = {
  Qemu: 'qemu',
  Kvm: 'kvm',
  Xen: 'xen-pv',
  XenHVM: 'xen-hvm',
  VMWare: 'vmware',
};

/** What an environment of ours is called that stands for a profile called `name`. */
function environmentName(name: string): string {
  const plain = name.toLowerCase().replace(/[^a-z0-9.-]+/g, '-');
  return plain.replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '').slice(0, 63) || 'imported';
}

function readProfile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (problem) {
    const { code } = problem as NodeJS.ErrnoException;
    throw misuse('CLI050', `The profile '${path}' cannot be read (${code})`, {
      hint: 'Name a V3M profile: an XML file that begins with <profile>.',
    });
  }
}

export default defineCommand({
  description: `Turns a V3M profile into a starter layer, NAME.yaml, in the current folder: its
    memory, processors, disk and network cards become the environment's machine, and its type the
    backend. Profiles of both dialects are read. What runs in the machine is the environment's own
    to say: of the profile's image the size is taken, and nothing that is in it.`,
  arguments: [{ name: 'PROFILE', describe: 'a V3M profile (test.xml)', complete: 'file' }],
  options: {
    extends: {
      kind: 'text',
      placeholder: 'BASE',
      describe: `what it builds on: the name of a base or ./a-layer.yaml (default: ${DEFAULT_BASE})`,
    },
  },
  examples: [
    { command: 'vsec import test.xml', does: 'writes test.yaml' },
    { command: 'vsec import test.xml --extends ./site.yaml', does: "on a site's layer" },
  ],
  async run({ args: [path = ''], options, session }) {
    const profile = readV3mProfile(readProfile(path), path);
    const base = options.extends ?? DEFAULT_BASE;
    const { origins } = await openEnvironment(base, session);
    const given = ['memory', 'vcpus', 'disk', 'nics'].filter((key) =>
      origins.has(`machine.${key}`),
    );
    const name = environmentName(profile.name);
    const { type, memory, vcpus, disk, nics } = profile;
    const text = machineLayer({
      ...{ name, base, backend: BACKENDS[type], given: new Set(given) },
      origin: `The machine of the V3M profile ${JSON.stringify(basename(path))}, type ${type}.`,
      machine: {
        ...(memory !== undefined && { memory }),
        ...(vcpus !== undefined && { vcpus }),
        ...(disk !== undefined && { disk }),
        nics,
      },
    });
    const file = `${name}.yaml`;
    writeNew(file, text);
    session.print(file);
    for (const what of profile.leftOut) session.say(`Left out: ${what}`);
    session.say(`Edit it, then: vsec check ${file}; vsec build ${file}`);
    return 0;
  },
});
