/** What booting and serving refuse: hosts, ways to start, and bundles that were built without. */
import { mkdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { backendByName } from '../../builders/backends/index.ts';
import { bootBundle, type BootOptions } from '../../builders/boot/boot.ts';
import type { Sequence } from '../../builders/boot/netboot-sequence.ts';
import { Monitor } from '../../builders/boot/qmp.ts';
import { explain } from '../../builders/boot/result.ts';
import { watchGuest } from '../../builders/boot/watch.ts';
import { lostWith } from '../../builders/boot/xen-host.ts';
import { nodeInXen } from '../../builders/boot/xen-netboot.ts';
import { goldenImage, type Manifest } from '../../builders/manifest.ts';
import { startHeadNode } from '../../builders/netboot/head-node.ts';
import { publish } from '../../builders/netboot/published.ts';
import { writeShim } from '../../builders/netboot/shim.ts';
import { temporaryKey } from '../../builders/netboot/signify.ts';
import { openToolbox } from '../../builders/toolbox.ts';
import { diagnosticOf, scratch } from '../repos/support/context.ts';
import { fakeToolbox, testContext, UP, writeBundle } from './support/boot.ts';

/** Programs that do as little as lets the next step be reached. */
const programs = (qemu: string) => ({
  'qemu-img': ': >"$9"',
  'ssh-keygen': 'for file; do :; done; echo key >"$file"; echo key >"$file.pub"',
  'qemu-system-x86_64': qemu,
});

interface Guest extends BootOptions {
  /** Of the bundle that is booted. */
  readonly manifest?: Partial<Manifest>;
  readonly hasXenHost?: boolean;
  /** What stands for QEMU, in shell. */
  readonly qemu?: string;
}

async function boot({ manifest, hasXenHost, qemu = 'exit 1', ...options }: Guest) {
  const folder = await scratch();
  const [bundle, host, temporary] = ['bundle', 'host', 'scratch'].map((name) => join(folder, name));
  for (const path of [bundle!, host!, temporary!]) mkdirSync(path);
  writeBundle(bundle!, manifest);
  writeBundle(host!);
  const toolbox = fakeToolbox(folder, programs(qemu));
  const source = { bundle: host!, toolbox };
  const xenHost = hasXenHost ? { xenHost: () => Promise.resolve(source) } : {};
  return bootBundle(bundle!, { ...options, ...xenHost }, toolbox, testContext(temporary!).ctx);
}

it('BOOT011: a way to start that the hypervisor does not have', async () => {
  const refused = await diagnosticOf(boot({ backend: 'xen-pvh', firmware: 'uefi' }));
  expect(refused).toMatchObject({ code: 'BOOT011', hint: expect.stringMatching(/^--firmware /) });
});

it('BOOT012: guests of Xen without a host, from disk and by the network', async () => {
  expect(await diagnosticOf(boot({ backend: 'xen-pvh' }))).toMatchObject({ code: 'BOOT012' });
  const sequence = { test: { image: {} } } as unknown as Sequence;
  expect(await diagnosticOf(nodeInXen(sequence))).toMatchObject({ code: 'BOOT012' });
});

it('BOOT014: a hypervisor that UEFI cannot start', async () => {
  const image = { stem: 'host', hypervisor: { image: 'xen.gz', cmdline: [], dom0: [] } };
  const request = { firmware: 'xen-efi', scratch: await scratch() };
  const refused = () => backendByName('xen-host').boot!(image as never, request as never);
  expect(await diagnosticOf(Promise.resolve().then(refused))).toMatchObject({ code: 'BOOT014' });
});

it('BOOT051: a monitor that nobody listens on', async () => {
  const nobody = Monitor.connect(join(await scratch(), 'qmp'));
  expect(await diagnosticOf(nobody)).toMatchObject({
    code: 'BOOT051',
    message: expect.stringContaining('ENOENT') as string,
  });
});

it('BOOT013: a command for a guest of Xen', async () => {
  const refused = boot({ backend: 'xen-hvm', exec: 'true' });
  expect(await diagnosticOf(refused)).toMatchObject({ code: 'BOOT013' });
});

it('BOOT038: a host that came up without its hypervisor', async () => {
  const hypervisor = { file: 'xen.gz', format: 'hypervisor', size: 0, sha256: '0'.repeat(64) };
  const plain = writeBundle(await scratch());
  const manifest: Partial<Manifest> = {
    artifacts: [...plain.artifacts, hypervisor],
    boot: {
      ...plain.boot,
      hypervisor: { release: '4.17-amd64', cmdline: ['console=com1'], dom0: ['console=hvc0'] },
    },
  };
  const qemu = `echo '${UP}'; sleep 30`;
  const { up, diagnostics } = await boot({
    ...{ backend: 'xen-host', accelerator: 'tcg', manifest, qemu },
  });
  expect(up).toBe(false);
  expect(diagnostics).toMatchObject([{ code: 'BOOT038', notes: [{ message: 'it sees no Xen' }] }]);
});

it('BOOT050: the Xen host is blamed for what is not the fault of its guest', async () => {
  const guest = { backend: 'xen-pvh', accelerator: 'tcg', hasXenHost: true } as const;
  const { up, diagnostics } = await boot(guest);
  expect(up).toBe(false);
  expect(diagnostics).toMatchObject([
    { code: 'BOOT050', notes: [{ message: expect.stringContaining('exit code 1') }] },
  ]);
});

it('BOOT052: a host that ends while a guest starts in it', async () => {
  const watch = (script: string) => {
    const patience = { total: 10_000, firstOutput: 10_000, afterTrouble: 100 };
    const command = { file: '/bin/sh', args: ['-c', script], env: {} };
    return watchGuest(command, patience, () => undefined, new AbortController().signal);
  };
  const [lost, kept] = [
    await watch(`echo '${UP}'; sleep 0.3; echo 'Bail out!'; kill -ABRT $$`),
    await watch(`echo '${UP}'; sleep 60`),
  ];
  try {
    const guest = await watch('echo begun; sleep 1; exit 255');
    expect(explain(await lostWith(lost, guest), 'tcg')).toMatchObject([
      {
        code: 'BOOT052',
        message: 'the Xen host ended by SIGABRT while the guest started in it',
        notes: expect.arrayContaining([{ message: 'Bail out!' }]) as unknown,
      },
    ]);
    expect(explain(await lostWith(kept, guest), 'tcg')).toMatchObject([{ code: 'BOOT031' }]);
  } finally {
    await Promise.all([lost, kept].map((host) => host.guest.stop()));
  }
});

it('BOOT072: nothing to serve', async () => {
  const folder = await scratch();
  const { artifacts } = writeBundle(folder);
  expect(await diagnosticOf(publish(folder))).toMatchObject({
    ...{ code: 'BOOT072', message: expect.stringContaining('no netboot shim') },
  });
  const [disk, kernel, initrd] = artifacts;
  writeBundle(folder, { artifacts: [disk!, kernel!, { ...initrd!, format: 'netboot-initrd' }] });
  expect((await publish(folder)).files.size).toBe(2);
  rmSync(join(folder, kernel!.file));
  expect(await diagnosticOf(publish(folder))).toMatchObject({
    ...{ code: 'BOOT072', message: expect.stringContaining(kernel!.file) },
  });
});

it('BOOT073: an address where somebody else serves', async () => {
  const taken = createServer();
  await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
  const { port } = taken.address() as AddressInfo;
  const cluster = { name: 'c', nodes: [] };
  const started = startHeadNode(
    { ...{ bundles: [], cluster, key: temporaryKey() }, ...{ host: '127.0.0.1', port } },
    testContext(await scratch()).ctx,
  );
  expect(await diagnosticOf(started)).toMatchObject({
    ...{ code: 'BOOT073', message: `cannot serve on 127.0.0.1 port ${port}: EADDRINUSE` },
  });
  await new Promise((done) => taken.close(done));
});

it('BUILD470: a toolbox of an earlier vsec, without the programs of the shim', async () => {
  const folder = await scratch();
  const toolbox = openToolbox(folder, '');
  const shim = writeShim({
    ...{ toolbox, tar: '', kernelRelease: '', output: join(folder, 'initrd'), epoch: 0 },
    ...{ scratch: join(folder, 'scratch'), signal: new AbortController().signal },
  });
  expect(await diagnosticOf(shim)).toMatchObject({
    ...{ code: 'BUILD470', hint: expect.stringContaining('vsec lock') },
  });
});

it('BUILD472: a bundle that was built without the shim', async () => {
  const image = goldenImage(writeBundle(await scratch()));
  for (const name of ['netboot', 'diskless'])
    expect(backendByName(name).check(image)).toMatchObject([
      { code: 'BUILD472', hint: `build it with --backend ${name}` },
    ]);
});
