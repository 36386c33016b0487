/** V3M profiles: what is written can be read, both dialects can, and nothing hostile does harm. */
import { describe, expect, it } from 'vitest';
import { v3m } from '../../builders/backends/v3m.ts';
import { PROFILE_TYPES, readV3mProfile } from '../../builders/backends/v3m-profile.ts';
import { VsecError } from '../../vse/diagnostic.ts';
import { HOSTILE_NAMES, IMAGE, named, withMachine } from './support/image.ts';

const MIB = 2 ** 20;

function codes(text: string): string[] {
  try {
    readV3mProfile(text, 'p.xml');
    return [];
  } catch (problem) {
    expect(problem).toBeInstanceOf(VsecError);
    expect((problem as VsecError).exitCode).toBe(2);
    const { diagnostics } = problem as VsecError;
    for (const { span } of diagnostics) expect(span?.file).toBe('p.xml');
    return diagnostics.map(({ code }) => code);
  }
}

describe('writing', () => {
  it('changes hypervisors by the type alone', () => {
    const plain = v3m.emit(IMAGE).map((file) => file.content.replace(/<type>\w+</, '<type>T<'));
    expect(plain).toHaveLength(PROFILE_TYPES.length);
    expect(new Set(plain).size).toBe(1);
    expect(new Set(v3m.emit(IMAGE).map((file) => file.content)).size).toBe(PROFILE_TYPES.length);
  });

  it.each(HOSTILE_NAMES)('gives the name %j back', (name) => {
    const [first] = v3m.emit(named(name));
    const profile = readV3mProfile(first?.content ?? '', 'p.xml');
    // Profiles are text in which nobody means the blanks at the ends.
    expect(profile.name).toBe(name.trim());
    expect(profile.image).toBe(`/var/lib/v3m/${name}.raw`);
  });

  it('says everything of the machine that a profile can hold', () => {
    const [first] = v3m.emit(IMAGE);
    expect(readV3mProfile(first?.content ?? '', 'p.xml')).toEqual({
      ...{ name: 'cfd', type: 'Qemu', image: '/var/lib/v3m/cfd_2.1.0_amd64.raw' },
      ...{ vcpus: 2, memory: 1024 * MIB, disk: 8192 * MIB, leftOut: [] },
      nics: [{ mac: '00:50:56:00:00:01' }, {}],
    });
  });

  it('refuses a third network card', () => {
    const found = v3m.check(withMachine({ nics: [{}, {}, {}] }));
    expect(found.map(({ code }) => code)).toEqual(['BUILD433']);
  });
});

describe('reading', () => {
  it('takes the first dialect, which knew Xen alone', () => {
    const text = `<?xml version="1.0"?>
<!DOCTYPE profile PUBLIC "" "xen_vm.dtd">
<profile>
        <name>test</name>
        <image size="500">/home/user/vms/test.img</image>
        <nic1><mac>00:02:03:04:05:06</mac></nic1>
</profile>`;
    expect(readV3mProfile(text, 'p.xml')).toEqual({
      ...{ name: 'test', type: 'Xen', image: '/home/user/vms/test.img', disk: 500 * MIB },
      ...{ nics: [{ mac: '00:02:03:04:05:06' }], leftOut: [] },
    });
  });

  it('takes the later dialect, and says what it has no place for', () => {
    const text = `<profile><name>n</name><type option="x">xenhvm</type><cpu>4</cpu><memory>512</memory>
<image>/a.img</image><virtual_disks><virtual_disk id="hdb">/b.img</virtual_disk></virtual_disks>
<cdrom>/c.iso</cdrom><nic1/></profile>`;
    expect(readV3mProfile(text, 'p.xml')).toEqual({
      ...{ name: 'n', type: 'XenHVM', image: '/a.img', vcpus: 4, memory: 512 * MIB, nics: [{}] },
      leftOut: ['the disk hdb (/b.img)', 'the CD-ROM /c.iso'],
    });
  });

  const profile = (inside: string): string =>
    `<profile><name>n</name><image>/a</image>${inside}</profile>`;

  it.each<[string, string, string[]]>([
    ['no XML', 'name: test', ['BUILD490']],
    ['nothing', '', ['BUILD490']],
    ['an end that is missing', '<profile><name>n</name>', ['BUILD490']],
    [
      'entities that multiply',
      `<!DOCTYPE p [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>${profile('<cdrom>&b;</cdrom>')}`,
      ['BUILD490'],
    ],
    [
      'an entity that is a file',
      `<!DOCTYPE p [<!ENTITY f SYSTEM "file:///etc/passwd">]>${profile('<cdrom>&f;</cdrom>')}`,
      ['BUILD490'],
    ],
    ['no end of depth', '<a>'.repeat(100_000), ['BUILD490']],
    ['another document', '<domain/>', ['BUILD491']],
    ['an element of another language', profile('<vcpu>1</vcpu>'), ['BUILD492']],
    ['an element twice', profile('<cpu>1</cpu><cpu>2</cpu>'), ['BUILD492']],
    ['no name and no image', '<profile/>', ['BUILD493', 'BUILD493']],
    ['a type that nobody knows', profile('<type>Bochs</type>'), ['BUILD494']],
    ['no processor', profile('<cpu>0</cpu>'), ['BUILD494']],
    ['memory with a unit', profile('<memory>512M</memory>'), ['BUILD494']],
    ['a group address', profile('<nic1><mac>01:02:03:04:05:06</mac></nic1>'), ['BUILD494']],
    ['the broadcast address', profile('<nic2><mac>FF:FF:FF:FF:FF:FF</mac></nic2>'), ['BUILD494']],
    ['half an address', profile('<nic1><mac>00:02:03</mac></nic1>'), ['BUILD494']],
  ])('refuses %s', (_case, text, expected) => {
    expect(codes(text)).toEqual(expected);
  });
});
