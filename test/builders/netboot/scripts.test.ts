/** What firmware with a network is given, and configurations with the head node pinned. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startHeadNode } from '../../../builders/netboot/head-node.ts';
import { nodeConfigs } from '../../../builders/netboot/node-configs.ts';
import { publish } from '../../../builders/netboot/published.ts';
import { ENTRY_SCRIPTS, grubScript, ipxeScript } from '../../../builders/netboot/scripts.ts';
import { temporaryKey } from '../../../builders/netboot/signify.ts';
import { scratch } from '../../repos/support/context.ts';
import { testContext, writeBundle } from '../support/boot.ts';
import { IMAGE } from '../support/image.ts';
import { installed } from '../support/programs.ts';

const PINNED = { server: 'http://10.0.0.1:8086', key: 'RWQkey' };
const NODES = [{ name: 'n1', mac: '00:16:3e:00:00:01', address: 'dhcp', dns: [] }];

it('a script of a head node names it and its key, and fetches from it', () => {
  for (const script of [ipxeScript(IMAGE, PINNED), grubScript(IMAGE, PINNED)]) {
    expect(script).toContain('vsec.server=http://10.0.0.1:8086 vsec.key=RWQkey');
    expect(script).not.toContain('vsec.unsigned');
  }
  expect(ipxeScript(IMAGE, PINNED)).toContain(
    '\ninitrd http://10.0.0.1:8086/images/cfd_2.1.0_amd64.netboot.initrd\n',
  );
  expect(grubScript(IMAGE, PINNED)).toContain('set root=http,10.0.0.1:8086\n');
});

it.skipIf(!installed('grub-script-check'))('GRUB reads them', async () => {
  const path = join(await scratch(), 'grub.cfg');
  for (const text of [
    grubScript(IMAGE),
    grubScript(IMAGE, PINNED),
    ENTRY_SCRIPTS['grub.cfg']!(PINNED.server),
  ]) {
    writeFileSync(path, text);
    expect(spawnSync('grub-script-check', [path], { encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
  }
});

it('configurations are pinned for each node, and once where there are none', () => {
  const names = (nodes: typeof NODES) =>
    nodeConfigs(IMAGE, [], { name: 'c', nodes }, PINNED.server, PINNED.key).map(({ path }) => path);
  expect(names([])).toEqual(['netboot-cfd.cfg', 'node-cfd.cfg', 'diskless-cfd.cfg']);
  const configs = nodeConfigs(IMAGE, [], { name: 'c', nodes: [] }, PINNED.server, PINNED.key);
  for (const { path, content } of configs) {
    expect(content).not.toContain('unsigned');
    expect(content.includes('vsec.key=RWQkey')).toBe(!path.startsWith('node-'));
  }
});

it('a head node writes scripts for its nodes alone, by the name that they know it by', async () => {
  const folder = await scratch();
  const parts = { 'netboot-initrd': 'shim', squashfs: 'squashfs' };
  const { artifacts } = writeBundle(folder);
  const more = Object.entries(parts).map(([format, suffix]) => {
    const file = `cfd_2.1.0_amd64.${suffix}`;
    writeFileSync(join(folder, file), 'x');
    return { file, format, size: 1, sha256: '3'.repeat(64) };
  });
  writeBundle(folder, { artifacts: [...artifacts, ...more] });
  const key = temporaryKey();
  const bundles = [await publish(folder)];
  const cluster = { name: 'c', nodes: NODES };
  const where = { host: '127.0.0.1', port: 0 };
  const head = await startHeadNode(
    { bundles, cluster, key, ...where },
    testContext(await scratch()).ctx,
  );
  try {
    const url = `http://127.0.0.1:${head.port}`;
    const get = async (path: string) => (await fetch(`${url}/${path}`)).text();
    expect(await get('boot.ipxe')).toBe(`#!ipxe\nchain ${url}/ipxe/\${mac:hexhyp}\n`);
    expect(await get('grub.cfg')).toContain(`(http,127.0.0.1:${head.port})/grub/`);
    const pinned = `vsec.server=${url} vsec.key=${key.public}`;
    expect(await get('ipxe/00-16-3e-00-00-01')).toContain(pinned);
    expect(await get('grub/00:16:3e:00:00:01')).toContain(pinned);
    expect((await fetch(`${url}/ipxe/00-16-3e-00-00-02`)).status).toBe(404);
    expect((await fetch(`${url}/constructor`)).status).toBe(404);
  } finally {
    await head.close();
  }
});
