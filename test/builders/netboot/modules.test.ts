import { describe, expect, it } from 'vitest';
import { shimModules } from '../../../builders/netboot/modules.ts';

const DEP = `kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko kernel/lib/crc16.ko kernel/fs/mbcache.ko
kernel/fs/jbd2/jbd2.ko: kernel/arch/x86/crypto/crc32c-intel.ko
kernel/arch/x86/crypto/crc32c-intel.ko:
kernel/lib/crc16.ko:
kernel/fs/mbcache.ko:
kernel/drivers/net/xen-netfront.ko.xz:
kernel/sound/soundcore.ko:
`;

describe('the drivers of the netboot shim', () => {
  it('come after everything that they need, once each, and no others', () => {
    const found = shimModules(DEP, '');
    expect(found).toEqual([
      'kernel/drivers/net/xen-netfront.ko.xz',
      'kernel/arch/x86/crypto/crc32c-intel.ko',
      'kernel/fs/jbd2/jbd2.ko',
      'kernel/lib/crc16.ko',
      'kernel/fs/mbcache.ko',
      'kernel/fs/ext4/ext4.ko',
    ]);
  });

  it('may be built into the kernel', () => {
    expect(shimModules('kernel/a.ko:\n', 'kernel/fs/ext4/ext4.ko\n')).toEqual([]);
  });

  it('cannot do without the file system', () => {
    expect(() => shimModules('kernel/a.ko:\n', '')).toThrow('BUILD471');
  });
});
