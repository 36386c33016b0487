/** The guest's report: the script that prints it and the reader that takes it agree. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GuestReport } from '../../builders/boot/guest-report.ts';
import { GuestReportReader } from '../../builders/boot/guest-report.ts';
import { templateText } from '../../builders/templates.ts';
import { installed } from './support/programs.ts';

const UUID = '6d0e2c1a-1f2b-8c3d-9e4f-0123456789ab';

function read(text: string): GuestReport | undefined {
  const reader = new GuestReportReader();
  for (const line of text.split('\n')) {
    const report = reader.take(line);
    if (report) return report;
  }
  return undefined;
}

describe('the reader', () => {
  it('takes a report of a sound guest', () => {
    const line = `vsec: up seconds=23.4 failed=0 units=- rootfs-uuid=${UUID}`;
    expect(read(line)).toEqual({ seconds: 23.4, failed: [], rootfsUuid: UUID });
  });

  it('hears what the guest is to Xen', () => {
    const line = `vsec: up seconds=23.4 failed=0 units=- rootfs-uuid=${UUID} xen=PVH`;
    expect(read(line)).toEqual({ seconds: 23.4, failed: [], rootfsUuid: UUID, xenRole: 'PVH' });
  });

  it('takes it behind a prompt that nobody ended, and before spaces', () => {
    expect(read(`cfd login: vsec: up seconds=9.0 failed=0 units=- rootfs-uuid=- `)).toEqual({
      seconds: 9,
      failed: [],
    });
  });

  it('puts the details of failed units together', () => {
    const text = [
      'vsec: failed-unit a.service: exit-code',
      'vsec: failed-log a.service: first',
      'vsec: failed-log a.service: second: with a colon ',
      'vsec: failed-unit b@1-\\x2d.mount: timeout',
      `vsec: up seconds=- failed=2 units=a.service,b@1-\\x2d.mount rootfs-uuid=${UUID}`,
    ].join('\n');
    expect(read(text)).toEqual({
      rootfsUuid: UUID,
      failed: [
        { name: 'a.service', result: 'exit-code', log: ['first', 'second: with a colon'] },
        { name: 'b@1-\\x2d.mount', result: 'timeout', log: [] },
      ],
    });
  });

  it('does not say twice what the guest says twice', () => {
    const unit = 'vsec: failed-unit a.service: exit-code\nvsec: failed-log a.service: once\n';
    const cut = 'vsec: up seconds=1.0 failed=1 units=a.ser[   12.3] usb 1-1: new device\n';
    const whole = 'vsec: up seconds=1.0 failed=1 units=a.service rootfs-uuid=-';
    expect(read(unit + cut + unit + whole)?.failed).toEqual([
      { name: 'a.service', result: 'exit-code', log: ['once'] },
    ]);
  });

  it.each([
    'vsec: up',
    'vsec: up seconds=1.0 failed=0 units=- rootfs-uuid=',
    `vsec: up seconds=1.0 failed=0 units=- rootfs-uuid=${UUID.slice(0, -3)}`,
    `vsec: up seconds=1.0 failed=1 units=- rootfs-uuid=${UUID}`,
    `vsec: up seconds=1.0 failed=1 units=a.service,b.service rootfs-uuid=${UUID}`,
    `vsec: up seconds=1.0 failed=0 units=- rootfs-uuid=${UUID}[  3.1] kernel message`,
    `vsec: up seconds=1.0 fai[  3.1] kernel message`,
    `vsec: up seconds=x failed=0 units=- rootfs-uuid=${UUID}`,
  ])('takes no report out of %j', (line) => {
    expect(read(line)).toBeUndefined();
  });
});

describe('the script', () => {
  let folder = '';
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'vsec-report-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const program = (name: string, script: string): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  };

  /** Runs the script on a machine made up of files; returns what its consoles got. */
  function run(units: string, consoles: string): string {
    program(
      'systemctl',
      `case $1 in
      list-units) printf '%s' '${units}' ;;
      show) echo exit-code ;;
      esac`,
    );
    program('journalctl', 'printf "a line\\nanother  line\\n"');
    program('findmnt', `echo ${UUID}`);
    program('tee', `{ echo "== $1"; cat; } >>'${folder}/consoles'`);
    program('sleep', ':');
    writeFileSync(join(folder, 'active'), consoles);
    const script = templateText('guest/report.sh')
      .replace(/^PATH=.*$/m, `PATH=${folder}:/usr/bin:/bin`)
      .replace('/sys/class/tty/console/active', join(folder, 'active'))
      .replaceAll('/sys/hypervisor', join(folder, 'hypervisor'));
    const { status, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    try {
      return readFileSync(join(folder, 'consoles'), 'utf8');
    } catch {
      return '';
    }
  }

  it('reports a sound guest, on consoles that exist and on no other', () => {
    // /dev/null and /dev/zero are character devices, as consoles are.
    const text = run('', 'nosuch0 null zero\n');
    expect(text).toContain('== /dev/null');
    expect(text).toContain('== /dev/zero');
    expect(text).not.toContain('nosuch0');
    expect(read(text)).toEqual({
      seconds: expect.any(Number) as number,
      failed: [],
      rootfsUuid: UUID,
    });
  });

  it('reports failed units with the end of their journal', () => {
    const text = run(
      'ssh.service loaded failed failed OpenSSH\nvar-lib\\x2dx.mount loaded failed failed /var\n',
      'null\n',
    );
    expect(read(text)?.failed).toEqual([
      { name: 'ssh.service', result: 'exit-code', log: ['a line', 'another  line'] },
      { name: 'var-lib\\x2dx.mount', result: 'exit-code', log: ['a line', 'another  line'] },
    ]);
  });

  it.each([
    ['dom0', '00000f05', 'PV'],
    ['PV', '00000705', 'PV'],
    ['PVH', '00000705', 'PVH'],
    ['HVM', '000006a0', 'HVM'],
  ])('says that it is %s under Xen', (role, features, type) => {
    mkdirSync(join(folder, 'hypervisor/properties'), { recursive: true });
    writeFileSync(join(folder, 'hypervisor/type'), 'xen\n');
    writeFileSync(join(folder, 'hypervisor/guest_type'), `${type}\n`);
    writeFileSync(join(folder, 'hypervisor/properties/features'), `${features}\n`);
    expect(read(run('', 'null\n'))?.xenRole).toBe(role);
  });

  it('survives a machine without consoles', () => {
    expect(run('', '')).toBe('');
  });

  it.skipIf(!installed('shellcheck'))('pleases shellcheck', () => {
    for (const name of ['guest/report.sh', 'guest/grow-root.sh']) {
      const { stdout } = spawnSync('shellcheck', ['-'], {
        input: templateText(name),
        encoding: 'utf8',
      });
      expect(stdout).toBe('');
    }
  });
});
