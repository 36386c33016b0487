/** Every mistake has its own code, points at the right place, and says what to do. */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, load, pointsAt, top } from './support.ts';
import type { Files } from './support.ts';

/** What is written, the code, `line:column marked text`, and a part of the message or hint. */
type Row = readonly [
  what: string,
  body: string | Uint8Array | Files,
  code: string,
  at: string,
  says: RegExp,
];

const bytes = (...parts: (string | number)[]): Uint8Array =>
  Buffer.concat(parts.map((p) => (typeof p === 'string' ? Buffer.from(p) : Buffer.from([p]))));

const nine = (name: string): string => `[${Array<string>(9).fill(`*${name}`).join(', ')}]`;
const BOMB = `vse: 1
name: x
a: &a [x, x, x, x, x, x, x, x, x]
b: &b ${nine('a')}
c: &c ${nine('b')}
d: &d ${nine('c')}
e: &e ${nine('d')}
`;

const reading: Row[] = [
  ['an empty file', '', 'VSE006', '1:1', /empty/],
  ['only comments', '# later\n', 'VSE006', '1:1', /empty/],
  ['Latin-1', bytes('vse: 1\nname: caf', 0xe9, '\n'), 'VSE005', '2:10', /iconv/],
  ['UTF-16', bytes(0xff, 0xfe, 'v', 0), 'VSE005', '1:1', /UTF-16/],
  ['a NUL byte', bytes('vse: 1', 0), 'VSE005', '1:7', /NUL/],
  ['too much', '#'.repeat(2 ** 20 + 1), 'VSE004', '', /too large.*source/s],
  ['bad YAML', 'vse: 1\nname: a: b\n', 'VSE007', '2:7 a', /quotes/],
  ['an unknown anchor', 'vse: 1\nname: *x\n', 'VSE007', '2:7 *x', /'&x'.*quotes/s],
  ['a tab', 'vse: 1\nname: x\nadd:\n\tpackages: [a]\n', 'VSE008', '4:1', /spaces/],
  ['a tab after spaces', 'vse: 1\nadd:\n  kernel:\n  \tx: 1\n', 'VSE008', '4:3', /spaces/],
  ['a key twice', 'vse: 1\nname: x\nname: y\n', 'VSE009', '3:1 name', /twice/],
  ['two documents', 'vse: 1\nname: x\n---\nvse: 1\n', 'VSE010', '3:1 ---', /file of its own/],
  ['an alias bomb', BOMB, 'VSE011', '7:8', /multiply/],
  ['an alias of itself', 'vse: 1\nname: x\nadd: &a\n  packages: *a\n', 'VSE011', '4:13', /itself/],
  ['deep nesting', `vse: ${'['.repeat(70)}${']'.repeat(70)}`, 'VSE012', '1:70', /deep/],
  ['a tag', 'vse: 1\nname: !x y\n', 'VSE013', '2:7 !x', /without the tag/],
  ['a list as a key', 'vse: 1\nname: x\n? [a]\n: b\n', 'VSE013', '3:3 [a]', /plain text/],
  ['a scalar', 'hello\n', 'VSE021', '1:1 hello', /vse: 1/],
  ['no version of the language', 'name: x\n', 'VSE022', '1:1 name: x', /vse: 1/],
  ['no name', 'vse: 1\n', 'VSE022', '1:1 vse: 1', /name: cfd/],
  ['a later version', 'vse: 2\nname: x\n', 'VSE023', '1:6 2', /vse: 1/],
  ['a hostile name', `vse: 1\nname: "x\\n'\\""\n`, 'VSE031', '2:7 "x\\n\'\\""', /letters/],
  ['a name that climbs', 'vse: 1\nname: ../x\n', 'VSE031', '2:7 ../x', /name of an env/],
];

const checking: Row[] = [
  ['an unknown key', 'adds: {}\n', 'VSE020', '4:1 adds', /'add'/],
  ['an option at the top', 'packages: [zip]\n', 'VSE020', '4:1 packages', /add block/],
  ['a merge key', '<<: {}\n', 'VSE020', '4:1 <<', /merge keys/],
  ['an unknown option', 'add: {pakages: []}\n', 'VSE020', '4:7 pakages', /'packages'/],
  [
    'an unknown key of a user',
    'add: {users: {bob: {shel: x}}}\n',
    'VSE020',
    '4:21 shel',
    /'shell'/,
  ],
  ['an unknown key of a card', 'add: {machine: {nics: [{mca: x}]}}\n', 'VSE020', '4:30 x', /'mac'/],
  [
    'an unknown path',
    'protect: [kernel.cmdlin]\n',
    'VSE020',
    '4:11 kernel.cmdlin',
    /'kernel.cmdline'/,
  ],
  ['excluding a file', 'exclude: {files: [/a]}\n', 'VSE020', '4:11 files', /remove/],
  ['text for a list', 'add: {packages: gcc}\n', 'VSE021', '4:17 gcc', /\[gcc\]/],
  ['a number for text', 'add: {hostname: 5}\n', 'VSE021', '4:17 5', /number 5/],
  ['yes for true', 'add: {recommends: yes}\n', 'VSE021', '4:19 yes', /'true'/],
  ['a list for a mapping', 'add: {users: [bob]}\n', 'VSE021', '4:14 [bob]', /mapping of names/],
  [
    'a mapping for a package',
    'add: {packages: [{a: 1}]}\n',
    'VSE021',
    '4:18 {a: 1}',
    /package name/,
  ],
  ['a value under remove', 'remove: {hostname: x}\n', 'VSE021', '4:20 x', /hostname: true/],
  ['a false parameter', 'add: {kernel: {cmdline: {a: false}}}\n', 'VSE021', '4:29 false', /remove/],
  ['nothing to extend', 'add: {}\n', 'VSE021', '3:10', /nothing/],
  [
    'a word outside its list',
    'add: {services: {x: enable}}\n',
    'VSE024',
    '4:21 enable',
    /'enabled'/,
  ],
  ['a password', 'add: {users: {a: {password-hash: x}}}\n', 'VSE024', '4:34 x', /openssl passwd/],
  ['a bad ssh key', 'add: {users: {a: {ssh-keys: [x]}}}\n', 'VSE024', '4:30 x', /id_ed25519.pub/],
  [
    'a bad address',
    'add: {network: {e: {addresses: [1.2.3/8]}}}\n',
    'VSE024',
    '4:33 1.2.3/8',
    /10\.0/,
  ],
  ['a bad package name', 'add: {packages: [g_cc]}\n', 'VSE025', '4:18 g_cc', /lower-case/],
  ['capitals', 'add: {packages: [GCC]}\n', 'VSE025', '4:18 GCC', /'gcc'/],
  ["apt's spelling", 'add: {packages: [gcc=12]}\n', 'VSE025', '4:18 gcc=12', /'gcc \(= 12\)'/],
  ['an old operator', 'add: {packages: [gcc (> 1)]}\n', 'VSE025', '4:18 gcc (> 1)', /'>>'/],
  ['alternatives', 'add: {packages: [aa | bb]}\n', 'VSE025', '4:18 aa | bb', /one of them/],
  [
    'a relation under exclude',
    'exclude: {packages: [gcc (= 1)]}\n',
    'VSE025',
    '4:22 gcc (= 1)',
    /'gcc'/,
  ],
  ['a bad version', 'add: {packages: [gcc (>= x)]}\n', 'VSE026', '4:18 gcc (>= x)', /digit/],
  ['a bad epoch', 'add: {packages: ["gcc (= a:1)"]}\n', 'VSE026', '4:18 "gcc (= a:1)"', /epoch/],
  ['a size without unit', 'override: {image: {size: 6}}\n', 'VSE027', '4:26 6', /'6MiB'/],
  ['a size with a wrong unit', 'override: {image: {size: 6G}}\n', 'VSE027', '4:26 6G', /'6GiB'/],
  ['too small a size', 'override: {image: {size: 1KiB}}\n', 'VSE027', '4:26 1KiB', /64MiB/],
  ['a bad mode', 'add: {files: {/a: {mode: 999}}}\n', 'VSE028', '4:26 999', /0755/],
  ['a bad MAC', 'add: {machine: {nics: [{mac: xx}]}}\n', 'VSE029', '4:30 xx', /52:54/],
  [
    'a multicast MAC',
    'add: {machine: {nics: [{mac: 01:02:03:04:05:06}]}}\n',
    'VSE029',
    '4:30 01:02:03:04:05:06',
    /multicast/,
  ],
  ['a bad uid', 'add: {users: {a: {uid: -1}}}\n', 'VSE030', '4:24 -1', /whole number/],
  ['a reserved gid', 'add: {groups: {a: {gid: 65535}}}\n', 'VSE030', '4:25 65535', /reserved/],
  ['a hostile user', `add: {users: {"a'b": {}}}\n`, 'VSE031', '4:15 "a\'b"', /name of a user/],
  [
    'a hostile script',
    'add: {scripts: {../x: {run: a}}}\n',
    'VSE031',
    '4:17 ../x',
    /name of a script/,
  ],
  ['a hostile unit', 'add: {services: {"a;b": enabled}}\n', 'VSE031', '4:18 "a;b"', /unit/],
  [
    'a hostile parameter',
    'add: {kernel: {cmdline: {a: "b c"}}}\n',
    'VSE031',
    '4:29 "b c"',
    /ASCII/,
  ],
  ['a hostile host name', 'add: {hostname: "a\\nb"}\n', 'VSE024', '4:17 "a\\nb"', /host name/],
  [
    'a path that escapes',
    'add: {files: {/a/../../b: {}}}\n',
    'VSE032',
    '4:15 /a/../../b',
    /out of the tree/,
  ],
  ['a relative path', 'add: {files: {etc/motd: {}}}\n', 'VSE032', '4:15 etc/motd', /'\/etc\/motd'/],
  ['a path with a newline', 'add: {files: {"/a\\nb": {}}}\n', 'VSE032', '4:15 "/a\\nb"', /control/],
  ['an odd path', 'add: {files: {/a//b/: {}}}\n', 'VSE032', '4:15 /a//b/', /'\/a\/b'/],
  ['a path under /proc', 'add: {files: {/proc/a: {}}}\n', 'VSE032', '4:15 /proc/a', /every boot/],
  [
    'two kinds of file',
    'add: {files: {/a: {content: x, link: y}}}\n',
    'VSE033',
    '4:32 link',
    /beside 'content'/,
  ],
];

const merging: Row[] = [
  ['add of something', 'add: {timezone: Europe/Rome}\n', 'VSE050', '4:17 Europe/Rome', /override/],
  [
    'add of another kind',
    'add: {files: {/etc/motd: {link: x}}}\n',
    'VSE050',
    '4:33 x',
    /excludes 'link'/,
  ],
  ['override of nothing', 'override: {hostname: x}\n', 'VSE051', '4:22 x', /add/],
  [
    'override of a misspelt package',
    'override: {packages: [nanoo]}\n',
    'VSE051',
    '4:23 nanoo',
    /'packages.nano'/,
  ],
  [
    'override of a missing user',
    'override: {users: {bob: {uid: 1}}}\n',
    'VSE051',
    '4:20 bob',
    /users.bob/,
  ],
  [
    'a list whose lines are all commented out',
    'remove:\n  packages:\n    # - nano\n',
    'VSE021',
    '5:12',
    /'packages: true' for all/,
  ],
  ['no name below a key', 'protect: {kernel: {cmdline: }}\n', 'VSE021', '4:29', /names nothing/],
  ['a merge key', 'add: {users: {ann: {<<: {uid: 5}}}}\n', 'VSE020', '4:21 <<', /merge keys/],
  ['remove of nothing', 'remove: {packages: [vim]}\n', 'VSE052', '4:21 vim', /exclude/],
  [
    'remove of a misspelt path',
    'remove: [kernel.cmdline.quite]\n',
    'VSE052',
    '4:10 kernel.cmdline.quite',
    /quiet/,
  ],
  [
    'relations that clash',
    'add: {packages: [gcc (<< 12)]}\n',
    'VSE054',
    '4:18 gcc (<< 12)',
    />= 12.*override/s,
  ],
  ['excluded and requested', 'exclude: {packages: [nano]}\n', 'VSE055', '4:22 nano', /remove/],
  ['no source', 'add: {files: {/a: {source: ./x}}}\n', 'VSE061', '4:28 ./x', /folder of the layer/],
  ['a folder as source', 'add: {files: {/a: {source: .}}}\n', 'VSE062', '4:28 .', /folder/],
  [
    'a file without content',
    'add: {files: {/a: {mode: 644}}}\n',
    'VSE063',
    '4:15 /a',
    /no content/,
  ],
  ['a script without text', 'add: {scripts: {a: {}}}\n', 'VSE063', '4:17 a', /nothing to run/],
  [
    'a repository without keys',
    'add: {repositories: {r: {mirror: m, suites: [s]}}}\n',
    'VSE063',
    '4:22 r',
    /trusts nothing/,
  ],
  [
    'a file below a file',
    'add: {files: {/etc/motd/a: {content: x}}}\n',
    'VSE064',
    '4:15 /etc/motd/a',
    /not a folder/,
  ],
  ['a disk too small', 'add: {machine: {disk: 1GiB}}\n', 'VSE065', '4:23 1GiB', /smaller/],
];

const LINK = (reference: string): Files => ({ 'top.yaml': top('', reference) });
const linking: Row[] = [
  ['a missing base', LINK('debian-21'), 'VSE040', '3:10 debian-21', /'debian-12'/],
  ['a missing file', LINK('./nope.yaml'), 'VSE001', '3:10 ./nope.yaml', /folder of the file/],
  ['a folder', LINK('./'), 'VSE003', '3:10 ./', /folder/],
  ['a file without ./', LINK('vendor.yaml'), 'VSE040', '3:10 vendor.yaml', /'\.\/vendor.yaml'/],
  [
    'an address without digest',
    LINK('https://mirror.example/b'),
    'VSE042',
    '3:10 https://mirror.example/b',
    /sha256=/,
  ],
  [
    'an OCI reference',
    LINK('oci://mirror.example/b'),
    'VSE044',
    '3:10 oci://mirror.example/b',
    /here/,
  ],
  ['itself', LINK('./top.yaml'), 'VSE041', '3:10 ./top.yaml', /top.yaml → top.yaml/],
  [
    'a circle',
    { 'top.yaml': top('', './b.yaml'), 'b.yaml': 'vse: 1\nname: b\nextends: ./top.yaml\n' },
    'VSE041',
    '3:10 ./top.yaml',
    /top.yaml → b.yaml → top.yaml/,
  ],
  ['no distribution', { 'top.yaml': 'vse: 1\nname: x\n' }, 'VSE060', '2:7 x', /debian-12/],
];

it('VSE045: a stack of more layers than anybody can follow', async () => {
  const chain = Object.fromEntries(
    Array.from({ length: 201 }, (_, i) => [
      `l${i}.yaml`,
      `vse: 1\nname: l${i}\n${i < 200 ? `extends: ./l${i + 1}.yaml\n` : ''}`,
    ]),
  );
  const { diagnostics } = await load({ ...chain, 'top.yaml': top('', './l0.yaml') });
  expect(diagnostics.map(({ code }) => code)).toContain('VSE045');
});

function files(body: Row[1], whole: boolean): Files {
  if (typeof body === 'string') return { 'top.yaml': whole ? body : top(body) };
  return body instanceof Uint8Array ? { 'top.yaml': body } : body;
}

describe.each([
  ['reading', reading, true],
  ['checking', checking, false],
  ['merging', merging, false],
  ['linking', linking, false],
])('%s', (_stage, rows, whole) => {
  it.each(rows)('%s', async (what, body, code, at, says) => {
    const given = what === 'nothing to extend' ? { 'top.yaml': top('', '') } : files(body, whole);
    const { vse, diagnostics } = await load(given);
    expect(vse).toBeUndefined();
    const found = diagnostics.find((d) => d.code === code);
    expect(diagnostics.map((d) => `${d.code} ${d.message}`).join('\n')).toContain(code);
    expect(pointsAt(found!)).toBe(at);
    expect(`${found!.message}\n${found!.hint ?? ''}`).toMatch(says);
    expect(found!.span?.file ?? 'top.yaml').toMatch(/top\.yaml$|^b\.yaml$/);
  });
});

it('survives nesting that no stack holds', async () => {
  const { codes } = await load({ 'top.yaml': `vse: ${'['.repeat(50_000)}` });
  expect(codes).toEqual(['VSE012']);
});

it('says where a base was looked for', async () => {
  const env = { VSEC_PATH: '/a:/b', XDG_CONFIG_HOME: '/c', XDG_CONFIG_DIRS: '/d' };
  const { diagnostics } = await load(LINK('nowhere'), 'top.yaml', { env });
  expect(diagnostics[0]!.notes.map((n) => / in (\S+)/.exec(n.message)![1])).toEqual([
    '.',
    '/a',
    '/b',
    '/c/vsec',
    '/d/vsec',
    '/etc/vsec',
    expect.stringMatching(/vse\/base$/),
  ]);
});

it('reports a missing target with the nearest file', async () => {
  const { diagnostics } = await load({}, 'vendr.yaml');
  expect(diagnostics).toMatchObject([{ code: 'VSE001', hint: "Did you mean 'vendor.yaml'?" }]);
});

it('refuses what is no regular file without waiting for it', async () => {
  const { codes } = await load({}, '/dev/zero');
  expect(codes).toEqual(['VSE003']);
  const cwd = folder({});
  mkdirSync(join(cwd, 'top.yaml'));
  expect((await load({}, 'top.yaml', { cwd })).codes).toEqual(['VSE003']);
});

it.skipIf(process.getuid?.() === 0)('reports a file that may not be read', async () => {
  const cwd = folder({ 'top.yaml': top('') });
  chmodSync(join(cwd, 'top.yaml'), 0);
  expect((await load({}, 'top.yaml', { cwd })).codes).toEqual(['VSE002']);
});

it('reports many mistakes in one run', async () => {
  const body = `add:
  packages: [GCC, "x (> 1)"]
  users: {Bob: {}, ann: {uid: x}}
  timezone: Europe/Rome
remove:
  packages: [vim]
`;
  const { codes } = await load({ 'top.yaml': top(body) });
  expect([...codes].sort()).toEqual(['VSE025', 'VSE025', 'VSE030', 'VSE031', 'VSE050', 'VSE052']);
});

it('stops counting at a hundred', async () => {
  const many = Array.from({ length: 5000 }, (_, i) => `  k${i}: 1\n`).join('');
  const { codes } = await load({ 'top.yaml': top(`add:\n${many}`) });
  expect(codes).toHaveLength(100);
});

it('lets two layers of one name pass with a warning', async () => {
  const { vse, diagnostics } = await load({
    'top.yaml': 'vse: 1\nname: vendor\nextends: ./vendor.yaml\n',
  });
  expect(vse?.name).toBe('vendor');
  expect(diagnostics).toMatchObject([{ code: 'VSE046', severity: 'warning' }]);
});
