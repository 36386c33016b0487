/** Bills of materials, before the formats' own schema and validators where there are any. */
import { createRequire } from 'node:module';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PackageURL } from 'packageurl-js';
import parseExpression from 'spdx-expression-parse';
import { afterAll, describe as group, expect, test } from 'vitest';
import * as z from 'zod';
import { Tree } from '../../builders/rootfs/tree.ts';
import { cyclonedxDocument } from '../../builders/sbom/cyclonedx.ts';
import { describe, packageUrl } from '../../builders/sbom/inventory.ts';
import { spdxDocument } from '../../builders/sbom/spdx.ts';
import type { Subject } from '../../builders/sbom/subject.ts';
import type { Lock, LockedPackage } from '../../repos/lock.ts';
import { complaintsAboutCycloneDx } from '../support/cyclonedx.ts';

const root = mkdtempSync(join(tmpdir(), 'vsec-sbom-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const locked = (name: string, version: string, architecture = 'amd64'): LockedPackage => ({
  name,
  version,
  architecture,
  sha256: Buffer.from(name).toString('hex').padEnd(64, '0'),
  size: 1000,
  repository: 'debian',
  stage: 0,
  reason: 'requested',
  filename: `pool/main/${name}_${version.replace(/^\d+:/, '')}_${architecture}.deb`,
  installedSize: 1000,
});

const LOCK: Lock = {
  vsecLock: 1,
  vse: { name: 'test', version: '1.0', digest: `sha256:${'0'.repeat(64)}` },
  distribution: { id: 'debian', release: 'bookworm', architecture: 'amd64' },
  stages: [{ layers: ['test'] }],
  repositories: [{ name: 'debian', type: 'deb', mirror: 'debian' }],
  indexes: [],
  epoch: 1_700_000_000,
  packages: [
    locked('openssh-server', '1:9.2p1-2+deb12u3'),
    locked('libstdc++6', '12.2.0-14'),
    locked('mawk', '1.3.4.20200120-3.1'),
    locked('tzdata', '2024a-0+deb12u1', 'all'),
  ],
  toolbox: { digest: `sha256:${'1'.repeat(64)}`, repositories: [], packages: [] },
};

put(
  'var/lib/dpkg/status',
  `Package: libstdc++6
Status: install ok installed
Architecture: amd64
Source: gcc-12
Version: 12.2.0-14
Homepage: http://gcc.example/
Maintainer: GCC Maintainers <gcc@lists.example>
Description: GNU Standard C++ Library v3
 Long text.

Package: mawk
Architecture: amd64
Version: 1.3.4.20200120-3.1
Homepage: no address at all
Maintainer: Jane "J." Doe
Provides: awk (= 2), other
Depends: libstdc++6 (>= 99)

Package: openssh-server
Architecture: amd64
Source: openssh (1:9.2p1-2)
Version: 1:9.2p1-2+deb12u3
Maintainer: "SSH, Team" <ssh@lists.example>
Pre-Depends: gawk | awk (>= 2)
Depends: libstdc++6 (>= 12), absent | absent-too,
 tzdata

Package: tzdata
Architecture: all
Version: 2024a-0+deb12u1
Depends: (((
`,
);
put('usr/lib/os-release', 'NAME="Debian"\nVERSION_ID="12"\n');
put(
  'usr/share/doc/openssh-server/copyright',
  `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: somebody
License: OpenSSH and Expat
 Do as you like.
`,
);
put('elsewhere/copyright', 'secret of nobody');
// A link out of the tree leads nowhere but into the tree.
symlinkSync('../../../../../../../elsewhere', join(root, 'usr/share/doc/mawk'));

const SUBJECT: Subject = {
  name: 'test',
  version: '1.0',
  description: 'For the test',
  rootfsDigest: `sha256:${'a'.repeat(64)}`,
  lockSha256: 'b'.repeat(64),
  epoch: LOCK.epoch,
};

const components = describe(LOCK, new Tree(root));
const component = (name: string) => components.find((one) => one.name === name)!;

group('the inventory', () => {
  test('holds the packages of the lock, sorted', () => {
    expect(components.map(({ name }) => name)).toEqual([
      'libstdc++6',
      'mawk',
      'openssh-server',
      'tzdata',
    ]);
  });

  test('takes source, people and home page from what dpkg knows', () => {
    expect(component('openssh-server')).toMatchObject({
      source: ['openssh', '1:9.2p1-2'],
      maintainer: { name: 'SSH, Team', email: 'ssh@lists.example' },
      file: 'openssh-server_9.2p1-2+deb12u3_amd64.deb',
    });
    expect(component('libstdc++6')).toMatchObject({
      source: ['gcc-12', '12.2.0-14'],
      homepage: 'http://gcc.example/',
      summary: 'GNU Standard C++ Library v3',
    });
    expect(component('mawk').maintainer).toEqual({ name: 'Jane "J." Doe' });
    expect(component('mawk')).not.toHaveProperty('homepage');
  });

  test('knows who satisfies a dependency: by version, by what is provided', () => {
    expect(component('openssh-server').dependsOn).toEqual(
      ['libstdc++6', 'mawk', 'tzdata'].map((name) => component(name).purl),
    );
    // Not in that version; malformed.
    expect(component('mawk').dependsOn).toEqual([]);
    expect(component('tzdata').dependsOn).toEqual([]);
  });

  test('package URLs are what the specification says', () => {
    for (const { name, version, architecture, purl } of components) {
      const { type, namespace, ...parsed } = PackageURL.fromString(purl);
      expect([type, namespace]).toEqual(['deb', 'debian']);
      expect(parsed).toMatchObject({ name, version });
      expect(parsed.qualifiers).toEqual({ arch: architecture, distro: 'debian-12' });
      // What the specification does not list is percent-encoded.
      expect(purl).toMatch(/^pkg:deb\/debian\/[\w.~%-]+@[\w.~:%-]+\?[\w.~=&-]+$/);
    }
    expect(packageUrl({ name: 'a', version: '1~b', architecture: 'all' }, 'x', 'y')).toBe(
      'pkg:deb/x/a@1~b?arch=all&distro=y',
    );
  });
});

group('CycloneDX', () => {
  const document = cyclonedxDocument(SUBJECT, components);

  test("the format's own validator has no complaint", async () => {
    expect(await complaintsAboutCycloneDx(document)).toEqual([]);
  });

  test('and would have one about a wrong document', async () => {
    expect(await complaintsAboutCycloneDx({ ...document, version: 'one' })).not.toEqual([]);
  });

  test('every reference is of a component', () => {
    const { dependencies, components: listed } = document as {
      dependencies: { ref: string; dependsOn: string[] }[];
      components: { 'bom-ref': string }[];
    };
    const known = new Set(['image', ...listed.map((one) => one['bom-ref'])]);
    expect(dependencies.map(({ ref }) => ref)).toEqual([...known]);
    for (const { dependsOn } of dependencies)
      for (const ref of dependsOn) expect(known).toContain(ref);
  });
});

group('SPDX', () => {
  const id = z.string().regex(/^SPDXRef-[A-Za-z0-9.-]+$/);
  const agent = z.string().regex(/^(NOASSERTION|(Person|Organization): [^()]+( \([^()\s]+\))?)$/);
  const checksum = z.strictObject({
    algorithm: z.literal('SHA256'),
    checksumValue: z.string().regex(/^[0-9a-f]{64}$/),
  });
  /** SPDX 2.3, clauses 6 to 11, and its JSON schema: what is mandatory, and the forms of what we write. */
  const schema = z.strictObject({
    spdxVersion: z.literal('SPDX-2.3'),
    dataLicense: z.literal('CC0-1.0'),
    SPDXID: z.literal('SPDXRef-DOCUMENT'),
    name: z.string().min(1),
    documentNamespace: z.url().regex(/^[^#]+$/),
    creationInfo: z.strictObject({
      created: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      creators: z.array(z.string().regex(/^Tool: vsec-\d/)).min(1),
    }),
    documentDescribes: z.array(id),
    packages: z.array(
      z.strictObject({
        SPDXID: id,
        name: z.string().min(1),
        versionInfo: z.string().min(1),
        packageFileName: z.string().optional(),
        supplier: agent,
        downloadLocation: z.literal('NOASSERTION'),
        filesAnalyzed: z.literal(false),
        checksums: z.array(checksum).length(1),
        homepage: z.url().optional(),
        sourceInfo: z.string().optional(),
        licenseConcluded: z.literal('NOASSERTION'),
        licenseDeclared: z.string(),
        copyrightText: z.literal('NOASSERTION'),
        summary: z.string().optional(),
        comment: z.string().optional(),
        // With an underscore in JSON, with a hyphen in the tag-value form.
        primaryPackagePurpose: z.literal('OPERATING_SYSTEM').optional(),
        externalRefs: z
          .array(
            z.strictObject({
              referenceCategory: z.literal('PACKAGE-MANAGER'),
              referenceType: z.literal('purl'),
              referenceLocator: z.string().startsWith('pkg:deb/'),
            }),
          )
          .optional(),
      }),
    ),
    relationships: z.array(
      z.strictObject({
        spdxElementId: id,
        relationshipType: z.enum(['DESCRIBES', 'CONTAINS', 'DEPENDS_ON']),
        relatedSpdxElement: id,
      }),
    ),
    hasExtractedLicensingInfos: z.array(
      z.strictObject({
        licenseId: z.string().regex(/^LicenseRef-[A-Za-z0-9.-]+$/),
        name: z.string().min(1),
        extractedText: z.string().min(1),
      }),
    ),
  });
  const document = schema.parse(spdxDocument(SUBJECT, components));

  test('identifiers are unique, and relations are between what is there', () => {
    const ids = ['SPDXRef-DOCUMENT', ...document.packages.map(({ SPDXID }) => SPDXID)];
    expect(new Set(ids).size).toBe(ids.length);
    for (const { spdxElementId, relatedSpdxElement } of document.relationships) {
      expect(ids).toContain(spdxElementId);
      expect(ids).toContain(relatedSpdxElement);
    }
  });

  test('licences are expressions, and each reference in one has its text', () => {
    const references = document.packages.flatMap(({ licenseDeclared }) => {
      if (licenseDeclared === 'NOASSERTION') return [];
      expect(() => parseExpression(licenseDeclared)).not.toThrow();
      return licenseDeclared.match(/LicenseRef-[A-Za-z0-9.-]+/g) ?? [];
    });
    expect(references).toHaveLength(1);
    expect(document.hasExtractedLicensingInfos).toEqual([
      { licenseId: references[0], name: 'OpenSSH', extractedText: 'Do as you like.' },
    ]);
  });

  test('packages without a machine-readable licence assert none', () => {
    const mawk = document.packages.find(({ name }) => name === 'mawk');
    expect(mawk).toMatchObject({
      licenseDeclared: 'NOASSERTION',
      supplier: 'Person: Jane "J." Doe',
    });
  });

  test('the same image has the same document, another image another namespace', () => {
    expect(spdxDocument(SUBJECT, components)).toEqual(document);
    const other = spdxDocument(
      { ...SUBJECT, rootfsDigest: `sha256:${'c'.repeat(64)}` },
      components,
    );
    expect(other).not.toMatchObject({ documentNamespace: document.documentNamespace });
  });
});

test('the version of the tool is that of the package', () => {
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
  expect(JSON.stringify(spdxDocument(SUBJECT, []))).toContain(`"Tool: vsec-${version}"`);
});
