/** A software bill of materials as SPDX 2.3 JSON (ISO/IEC 5962, <https://spdx.github.io/spdx-spec/v2.3/>). */
import type { Component, Maintainer } from './inventory.ts';
import { TOOL, documentUuid, timeOf } from './subject.ts';
import type { Subject } from './subject.ts';

const NOT_KNOWN = 'NOASSERTION';
const DOCUMENT = 'SPDXRef-DOCUMENT';
const IMAGE = 'SPDXRef-Image';

/** Identifiers hold letters, digits, `.` and `-` alone; `g++` becomes `g.2B.2B`. */
const identifierOf = ({ name, architecture }: Component): string =>
  `SPDXRef-Package-${`${name}-${architecture}`.replaceAll(
    /[^A-Za-z0-9.-]/g,
    (sign) => `.${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )}`;

const GROUPS = /team|group|maint|develop|project|packag|list|debian/i;

/** Teams maintain most packages; SPDX wants to know which are persons. */
function agent({ name, email }: Maintainer): string {
  const kind = GROUPS.test(name) ? 'Organization' : 'Person';
  return `${kind}: ${name}${email === undefined ? '' : ` (${email})`}`;
}

function spdxPackage(component: Component): object {
  const [source, sourceVersion] = component.source;
  return {
    SPDXID: identifierOf(component),
    name: component.name,
    versionInfo: component.version,
    packageFileName: component.file,
    supplier: component.maintainer ? agent(component.maintainer) : NOT_KNOWN,
    downloadLocation: NOT_KNOWN,
    filesAnalyzed: false,
    checksums: [{ algorithm: 'SHA256', checksumValue: component.sha256 }],
    ...(component.homepage !== undefined && { homepage: component.homepage }),
    sourceInfo: `built from source package ${source} ${sourceVersion}`,
    licenseConcluded: NOT_KNOWN,
    licenseDeclared: component.licence?.expression ?? NOT_KNOWN,
    copyrightText: NOT_KNOWN,
    ...(component.summary !== undefined && { summary: component.summary }),
    externalRefs: [
      {
        referenceCategory: 'PACKAGE-MANAGER',
        referenceType: 'purl',
        referenceLocator: component.purl,
      },
    ],
  };
}

function image(subject: Subject): object {
  return {
    SPDXID: IMAGE,
    name: subject.name,
    versionInfo: subject.version,
    supplier: NOT_KNOWN,
    downloadLocation: NOT_KNOWN,
    filesAnalyzed: false,
    checksums: [
      { algorithm: 'SHA256', checksumValue: subject.rootfsDigest.replace(/^sha256:/, '') },
    ],
    licenseConcluded: NOT_KNOWN,
    licenseDeclared: NOT_KNOWN,
    copyrightText: NOT_KNOWN,
    ...(subject.description !== undefined && { summary: subject.description }),
    comment: 'The checksum is that of the file tree as a canonical tar.',
    primaryPackagePurpose: 'OPERATING_SYSTEM',
  };
}

/** The document of an image that holds `components`. */
export function spdxDocument(subject: Subject, components: readonly Component[]): object {
  const byPurl = new Map(components.map((one) => [one.purl, identifierOf(one)]));
  const relation = (from: string, relationshipType: string, to: string): object => ({
    spdxElementId: from,
    relationshipType,
    relatedSpdxElement: to,
  });
  const others = new Map(
    components.flatMap((one) => one.licence?.others ?? []).map((other) => [other.id, other]),
  );
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: DOCUMENT,
    name: `${subject.name}-${subject.version}`,
    documentNamespace: `https://spdx.org/spdxdocs/${encodeURIComponent(subject.name)}-${documentUuid(subject, 'spdx')}`,
    creationInfo: {
      created: timeOf(subject),
      creators: [`Tool: ${TOOL.name}-${TOOL.version}`],
    },
    documentDescribes: [IMAGE],
    packages: [image(subject), ...components.map(spdxPackage)],
    relationships: [
      relation(DOCUMENT, 'DESCRIBES', IMAGE),
      ...components.map((one) => relation(IMAGE, 'CONTAINS', identifierOf(one))),
      ...components.flatMap((one) =>
        one.dependsOn.map((purl) =>
          relation(identifierOf(one), 'DEPENDS_ON', byPurl.get(purl) as string),
        ),
      ),
    ],
    hasExtractedLicensingInfos: [...others.values()]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, name, text }) => ({ licenseId: id, name, extractedText: text })),
  };
}
