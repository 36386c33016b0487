import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { backends } from '../../builders/backends/index.ts';
import { bootAll } from '../../builders/boot/boot-all.ts';
import type { BootEvidence } from '../../builders/boot/boot-all.ts';
import { bootBundle } from '../../builders/boot/boot.ts';
import { FIRMWARES } from '../../builders/boot/firmware.ts';
import type { BootResult } from '../../builders/boot/result.ts';
import { FORMAT_NAMES, formatByName } from '../../builders/formats.ts';
import { buildEnvironment } from '../building.ts';
import { defineCommand, type ExitCode } from '../command.ts';
import { toJson } from '../diagnostics.ts';
import { refuseNothing } from '../environment.ts';
import { formatSeconds, printable } from '../format.ts';
import { jobs, json, offline } from '../options.ts';
import type { Session } from '../session.ts';
import { obtainBootToolbox } from '../toolboxes.ts';
import { obtainXenHost } from '../xen-boot-host.ts';

const ACCELERATORS = ['auto', 'kvm', 'tcg'] as const;

/** As a backend's name: each of them. */
const ALL = 'all';
const DISKS = FORMAT_NAMES.filter((name) => formatByName(name).disk);

const succeeded = (result: BootResult) => result.up && (result.exec?.exitCode ?? 0) === 0;

const asJson = (result: BootResult) => ({
  ...result,
  diagnostics: result.diagnostics.map(toJson),
});

const isFolder = (path: string) =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

function tell(result: BootResult, session: Session): void {
  session.diagnose(result.diagnostics);
  const { backend, firmware, accelerator, exec, standIn } = result;
  const how = `${backend} (${firmware}, ${accelerator})`;
  if (standIn !== undefined) session.say(`In the place of ${backend}: ${standIn}`);
  const time = formatSeconds(result.seconds);
  if (!result.up) {
    if (result.console.length > 0) {
      session.complain(`The end of the console:`);
      session.complain(result.console.map((line) => `  ${printable(line)}`).join('\n'));
    }
    session.complain(`${result.image} did not come up on ${how}, given up after ${time}`);
  } else {
    const text = `${result.image} is up on ${how} after ${time}`;
    if (exec) session.say(text);
    else session.print(text);
  }
  if (!exec) return;
  if (exec.stdout) session.print(exec.stdout);
  if (exec.stderr) session.complain(exec.stderr.trimEnd());
  if (exec.exitCode !== 0)
    session.complain(`in the guest, the command ended with ${exec.exitCode}`);
}

function tellAll(rows: readonly BootEvidence[], session: Session): void {
  for (const row of rows)
    if (row.attempted) tell(row, session);
    else {
      const [why] = row.diagnostics;
      session.say(`${row.backend} (${row.firmware}) was not tried: ${why?.message ?? ''}`);
    }
}

export default defineCommand({
  description: `Boots an image for real and waits until it is up: until systemd in the guest says
    that its default target is reached and no unit has failed. Prints how long it took. If it does
    not come up, shows why, with the end of its console, and exits with 1.

    The hypervisor comes from vsec's own toolbox. The image is never written to: the guest has an
    overlay. An environment is built first, unless its bundle is there and of its current state.`,
  arguments: [
    {
      name: 'BUNDLE|ENV',
      describe: "a bundle's folder, or an environment to build and boot",
      complete: 'file',
    },
  ],
  options: {
    backend: {
      kind: 'text',
      placeholder: 'NAME',
      choices: [...backends.map((backend) => backend.name), ALL],
      describe: 'The hypervisor, or all that can be tried here (default: qemu)',
    },
    firmware: {
      kind: 'text',
      placeholder: 'KIND',
      choices: FIRMWARES,
      describe:
        "How the machine starts; kernel: kernel and initrd directly (default: the backend's)",
    },
    disk: {
      kind: 'text',
      placeholder: 'FORMAT',
      choices: DISKS,
      describe: "Which disk of the bundle to boot (default: the backend's; with all: raw)",
    },
    kernel: { kind: 'flag', describe: 'The same as --firmware kernel' },
    accelerator: {
      kind: 'text',
      placeholder: 'KIND',
      choices: ACCELERATORS,
      describe: 'auto takes KVM where it really works (default: auto)',
    },
    timeout: {
      kind: 'duration',
      placeholder: 'TIME',
      describe: 'Give up when it is not up by then (default: 5m)',
    },
    exec: {
      kind: 'text',
      placeholder: 'COMMAND',
      describe: 'Run a shell command as root in the guest once it is up; its output is the result',
    },
    console: { kind: 'flag', describe: "Show the guest's console while it boots" },
    'console-log': {
      kind: 'file',
      placeholder: 'FILE',
      describe: 'Write the whole console into a file',
    },
    'output-directory': {
      kind: 'directory',
      short: 'O',
      placeholder: 'DIR',
      describe: 'Where the bundle of an ENV is, or is to be (default: the current folder)',
    },
    locked: { kind: 'flag', describe: 'Of an ENV: take its lock as it is, or fail' },
    offline,
    jobs,
    json,
  },
  examples: [
    { command: 'vsec boot cfd_2.1.0_amd64', does: 'does it come up?' },
    { command: 'vsec boot cfd.yaml --firmware uefi --console', does: 'build, boot and watch it' },
    { command: 'vsec boot cfd_2.1.0_amd64 --backend all --json', does: 'what is proven of it?' },
    { command: "vsec boot cfd_2.1.0_amd64 --exec 'uname -r'", does: 'ask the guest something' },
  ],
  async run({ args: [target = ''], options, session }): Promise<ExitCode> {
    refuseNothing(target);
    const bundle = isFolder(target)
      ? resolve(target)
      : (
          await buildEnvironment(
            target,
            session,
            { locked: options.locked, insecure: false },
            { outputDirectory: resolve(options['output-directory'] ?? '.') },
          )
        ).bundle;
    const toolbox = await obtainBootToolbox(session);
    const chosen = options.kernel ? 'kernel' : options.firmware;
    const firmware = FIRMWARES.find((name) => name === chosen);
    const accelerator = ACCELERATORS.find((name) => name === options.accelerator);
    const consoleLog = options['console-log'];
    const { context } = session;
    const common = {
      ...(options.disk !== undefined && { disk: options.disk }),
      ...(accelerator && { accelerator }),
      ...(options.timeout !== undefined && { timeout: options.timeout }),
      ...(options.exec !== undefined && { exec: options.exec }),
      ...(consoleLog !== undefined && { consoleLog: resolve(consoleLog) }),
      xenHost: () => obtainXenHost(session),
    };
    const watched = options.console ? { ...context, report: session.showingDetails } : context;
    const backend = options.backend ?? 'qemu';
    if (backend === ALL) {
      const rows = await bootAll(
        bundle,
        { ...common, ...(firmware && { firmware }) },
        toolbox,
        watched,
      );
      if (options.json) session.printJson(rows.map(asJson));
      else tellAll(rows, session);
      const tried = rows.filter((row) => row.attempted);
      return tried.some((row) => row.up) && tried.every(succeeded) ? 0 : 1;
    }
    const way = { backend, ...(firmware && { firmware }) };
    const result = await bootBundle(bundle, { ...common, ...way }, toolbox, watched);
    if (options.json) session.printJson(asJson(result));
    else tell(result, session);
    return succeeded(result) ? 0 : 1;
  },
});
