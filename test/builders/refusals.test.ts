/** What builds and boots refuse: each message of a step, brought about where it is made. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { afterEach, expect, it, vi } from 'vitest';
import { backendByName } from '../../builders/backends/index.ts';
import { bootBundle } from '../../builders/boot/boot.ts';
import { ConsoleLog } from '../../builders/boot/console-log.ts';
import { openImage } from '../../builders/boot/image-under-test.ts';
import { awaitServer } from '../../builders/boot/login.ts';
import { explain } from '../../builders/boot/result.ts';
import { makeScratch } from '../../builders/boot/scratch.ts';
import type { Watched } from '../../builders/boot/watch.ts';
import { buildBundle } from '../../builders/build.ts';
import { configure, runPreinsts } from '../../builders/deb/maintainer.ts';
import type { Package } from '../../builders/deb/unpack.ts';
import { embedBiosGrub } from '../../builders/image/boot-loader.ts';
import { writeDisk, type DiskRecipe } from '../../builders/image/disk.ts';
import type { Job } from '../../builders/job.ts';
import { goldenImage } from '../../builders/manifest.ts';
import { findKernel, makeInitrd } from '../../builders/rootfs/bootable.ts';
import { setLocale } from '../../builders/rootfs/locale.ts';
import type { FinishRecipe } from '../../builders/rootfs/recipe.ts';
import { setServices } from '../../builders/rootfs/services.ts';
import { saveTree } from '../../builders/rootfs/snapshot.ts';
import { Inside } from '../../builders/sandbox/inside.ts';
import { runInSandbox } from '../../builders/sandbox/worker-process.ts';
import { openToolbox } from '../../builders/toolbox.ts';
import type { Lock } from '../../repos/lock.ts';
import type { ReportEvent } from '../../vse/report.ts';
import { diagnosticOf, scratch } from '../repos/support/context.ts';
import { merged, top } from '../vse/support.ts';
import { fakeToolbox, testContext, writeBundle } from './support/boot.ts';

afterEach(() => vi.restoreAllMocks());

function put(root: string, path: string, content: string | Buffer = ''): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content, { mode: 0o755 });
}

/** A tree in which every program says `tail` and fails. */
const failing = (root: string, tail = ''): Inside =>
  ({ root, run: () => Promise.resolve({ code: 1, tail }) }) as unknown as Inside;

/** What is thrown at once, as a promise. */
const attempt = async (work: () => unknown): Promise<unknown> => work();

const noTools = (root: string) => fakeToolbox(root, {});

it('BUILD118: a tree whose /dev is a link', async () => {
  const root = await scratch();
  symlinkSync('/tmp', join(root, 'dev'));
  const inside = new Inside(root, 'chroot' as never, noTools(root), 0);
  expect(await diagnosticOf(inside.enter())).toMatchObject({ code: 'BUILD118' });
});

it('BUILD130: the tree cannot be read', async () => {
  const root = await scratch();
  const broken = fakeToolbox(root, { tar: 'echo "cannot read" >&2; exit 2' });
  const saved = saveTree(broken, root, join(root, 'out.tar'), 0, root);
  const refused = await diagnosticOf(saved);
  expect(refused).toMatchObject({ code: 'BUILD130' });
  expect(refused.notes[0]?.message).toContain('cannot read');
});

it('BUILD140, BUILD141: maintainer scripts fail, and are named', async () => {
  const root = await scratch();
  const control = { files: new Map([['preinst', Buffer.from('')]]), fields: new Map() };
  const pkg = { control, owner: { name: 'hello', id: 'hello' } } as unknown as Package;
  const preinst = runPreinsts(failing(root, 'no\nvsec-failed hello 7\n'), [pkg]);
  expect(await diagnosticOf(preinst)).toMatchObject({
    code: 'BUILD140',
    message: 'the preinst script of hello failed (exit code 7)',
    notes: [{ message: 'no' }],
  });
  const tail = 'dpkg: error processing package hello (--configure):\n';
  expect(await diagnosticOf(configure(failing(root, tail), 'all'))).toMatchObject({
    code: 'BUILD141',
    message: 'the maintainer scripts of hello failed',
  });
});

it('BUILD150, BUILD151: no toolbox for this host; no such program in it', async () => {
  const root = await scratch();
  const missing = attempt(() => openToolbox(root, '').command('mke2fs', []));
  expect(await diagnosticOf(missing)).toMatchObject({ code: 'BUILD151' });
  vi.spyOn(process, 'arch', 'get').mockReturnValue('s390x');
  const elsewhere = attempt(() => openToolbox(root, ''));
  expect(await diagnosticOf(elsewhere)).toMatchObject({ code: 'BUILD150' });
});

it('BUILD168: a unit that systemctl does not know', async () => {
  const root = await scratch();
  put(root, 'usr/bin/systemctl');
  const set = setServices(failing(root, 'Unit nope.service does not exist'), { nope: 'enabled' });
  const refused = await diagnosticOf(set);
  expect(refused).toMatchObject({ code: 'BUILD168', message: 'service nope cannot be enabled' });
  expect(refused.notes[1]?.message).toContain('does not exist');
});

it('BUILD170, BUILD171: a kernel package without a kernel; nothing makes an initrd', async () => {
  const root = await scratch();
  const recipe = { kernelPackage: 'linux-doc', initrdModules: [] } as unknown as FinishRecipe;
  const none = attempt(() => findKernel(root, recipe));
  expect(await diagnosticOf(none)).toMatchObject({ code: 'BUILD170' });
  const kernel = { release: '6.1.0', image: 'boot/vmlinuz', initrd: 'boot/initrd' };
  const initrd = makeInitrd(failing(root), kernel, recipe);
  expect(await diagnosticOf(initrd)).toMatchObject({ code: 'BUILD171' });
});

it('BUILD172: a locale that is to be compiled and cannot', async () => {
  const root = await scratch();
  put(root, 'etc/hostname');
  expect(await diagnosticOf(setLocale(failing(root), 'de_DE.UTF-8'))).toMatchObject({
    code: 'BUILD172',
    hint: 'add the package locales, or use C.UTF-8',
  });
  put(root, 'usr/sbin/locale-gen');
  const refused = await diagnosticOf(setLocale(failing(root, 'unknown'), 'xx_XX.UTF-8'));
  expect(refused).toMatchObject({ code: 'BUILD172' });
  expect(refused.notes.at(-1)?.message).toBe('unknown');
});

it('BUILD182, BUILD183: no sandbox starts; one that ends early', async () => {
  const folder = await scratch();
  const job: Job = { kind: 'remove', path: join(folder, 'nothing') };
  const { ctx } = testContext(folder);
  const run = () => runInSandbox(job, 'mount', { ...ctx, env: { PATH: folder } });
  expect(await diagnosticOf(run())).toMatchObject({ code: 'BUILD182' });
  put(folder, 'unshare', '#!/bin/sh\necho "out of luck" >&2\nexit 3\n');
  const refused = await diagnosticOf(run());
  expect(refused).toMatchObject({ code: 'BUILD183' });
  expect(refused.notes[0]?.message).toBe('out of luck');
});

it('BUILD199: a mistake in what runs in the sandbox is said to be one', async () => {
  const folder = await scratch();
  const { ctx } = testContext(folder);
  const nonsense = { kind: 'assemble', root: folder } as unknown as Job;
  const env = { PATH: process.env['PATH'] };
  const run = runInSandbox(nonsense, 'chroot', { ...ctx, env });
  expect(await diagnosticOf(run)).toMatchObject({ code: 'BUILD199' });
});

it('BUILD190: a core image of GRUB that does not fit', async () => {
  const root = await scratch();
  put(root, 'usr/lib/grub/i386-pc/boot.img', Buffer.alloc(512));
  const tools = fakeToolbox(root, {
    'grub-mkimage': 'for a; do case $a in --output=*) printf %1000s x > "${a#*=}";; esac; done',
  });
  const partition = { offset: 1 << 20, size: 512 } as Parameters<typeof embedBiosGrub>[2];
  const embedded = embedBiosGrub(tools, join(root, 'disk'), partition, 'vse-root', root);
  expect(await diagnosticOf(embedded)).toMatchObject({ code: 'BUILD190' });
});

it('BUILD191, BUILD192: a file system or size that cannot be', async () => {
  const root = await scratch();
  put(root, 'tree/file', Buffer.alloc(1000));
  const tar = join(root, 'tree.tar');
  execFileSync('tar', ['-cf', tar, '-C', join(root, 'tree'), '.']);
  const recipe = { filesystem: 'ext4', tar, size: 64 << 20 } as DiskRecipe;
  const make = (changes: Partial<DiskRecipe>) =>
    writeDisk(noTools(root), join(root, 'disk.raw'), { ...recipe, ...changes });
  expect(await diagnosticOf(make({ filesystem: 'xfs' }))).toMatchObject({ code: 'BUILD191' });
  expect(await diagnosticOf(make({}))).toMatchObject({ code: 'BUILD192' });
});

it("BUILD178: parts of a kernel of one's own, without that kernel", async () => {
  const add = 'add: { kernel: { modules: ./key.asc } }\n';
  const vse = await merged({ 'top.yaml': top(add) });
  const folder = await scratch();
  const built = buildBundle(vse, {} as Lock, { outputDirectory: folder }, testContext(folder).ctx);
  expect(await diagnosticOf(built)).toMatchObject({
    ...{ code: 'BUILD178', exitCode: 2, span: { file: 'top.yaml', line: 4 } },
  });
});

it('BUILD197: the place of the bundle is taken', async () => {
  const outputDirectory = await scratch();
  const vse = await merged({ 'top.yaml': top('') });
  const { architecture } = vse.config.distribution;
  put(outputDirectory, `${vse.name}_${vse.version}_${architecture}/precious`);
  const { ctx } = testContext(outputDirectory);
  const built = buildBundle(vse, {} as Lock, { outputDirectory, formats: ['tar'] }, ctx);
  expect(await diagnosticOf(built)).toMatchObject({ code: 'BUILD197', exitCode: 2 });
});

it('BOOT001, BOOT004: a backend that boots nothing here; a bundle without such a disk', async () => {
  const folder = await scratch();
  const { ctx } = testContext(folder);
  const manifest = writeBundle(folder);
  const boot = bootBundle(folder, { backend: 'palacios' }, noTools(folder), ctx);
  expect(await diagnosticOf(boot)).toMatchObject({ code: 'BOOT001' });
  const image = goldenImage(manifest);
  const opened = openImage(folder, manifest, image, backendByName('qemu'), ctx, 'vmdk');
  expect(await diagnosticOf(opened)).toMatchObject({ code: 'BOOT004' });
});

it('BOOT008: a console log that is cut short is a warning', () => {
  const events: ReportEvent[] = [];
  new ConsoleLog('/dev/full', (event) => events.push(event)).write(Buffer.from('x'));
  expect(events).toMatchObject([
    { type: 'diagnostic', diagnostic: { code: 'BOOT008', severity: 'warning' } },
  ]);
});

it('BOOT009: no temporary folder', async () => {
  const { ctx } = testContext('/nowhere');
  const made = attempt(() => makeScratch(ctx));
  expect(await diagnosticOf(made)).toMatchObject({ code: 'BOOT009' });
});

it('BOOT030, BOOT032: a hypervisor that does not start; a console that stays silent', () => {
  const watched = (ending: unknown) => ({ ending, seconds: 60, console: [] }) as unknown as Watched;
  expect(explain(watched({ kind: 'not-started', reason: 'ENOENT' }), 'tcg')).toMatchObject([
    { code: 'BOOT030' },
  ]);
  expect(explain(watched({ kind: 'silent' }), 'kvm')).toMatchObject([
    { code: 'BOOT032', hint: expect.stringContaining('tcg') },
  ]);
});

it('BOOT040: a guest that lets nobody in', async () => {
  const folder = await scratch();
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 61_000));
  const toolbox = fakeToolbox(folder, { ssh: 'echo "Permission denied" >&2; exit 255' });
  const way = { key: { path: join(folder, 'key') }, port: 1, toolbox } as never;
  const refused = await diagnosticOf(awaitServer(way, new AbortController().signal));
  expect(refused).toMatchObject({ code: 'BOOT040' });
  expect(refused.notes[0]?.message).toBe('Permission denied');
});
