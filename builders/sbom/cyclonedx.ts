/** A software bill of materials as CycloneDX 1.6 JSON (ECMA-424, <https://cyclonedx.org/docs/1.6/json/>). */
import type { Component } from './inventory.ts';
import { TOOL, documentUuid, timeOf } from './subject.ts';
import type { Subject } from './subject.ts';

const IMAGE = 'image';

function cyclonedxComponent(component: Component): object {
  const { maintainer, homepage, licence, source } = component;
  return {
    type: 'library',
    'bom-ref': component.purl,
    ...(maintainer && {
      supplier: {
        name: maintainer.name,
        ...(maintainer.email !== undefined && { contact: [{ email: maintainer.email }] }),
      },
    }),
    name: component.name,
    version: component.version,
    ...(component.summary !== undefined && { description: component.summary }),
    scope: 'required',
    hashes: [{ alg: 'SHA-256', content: component.sha256 }],
    ...(licence && {
      licenses: [{ acknowledgement: 'declared', expression: licence.expression }],
    }),
    purl: component.purl,
    ...(homepage !== undefined && {
      externalReferences: [{ type: 'website', url: homepage }],
    }),
    properties: [
      { name: 'vsec:architecture', value: component.architecture },
      { name: 'vsec:source', value: source.join(' ') },
    ],
  };
}

/** The document of an image that holds `components`. */
export function cyclonedxDocument(subject: Subject, components: readonly Component[]): object {
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${documentUuid(subject, 'cyclonedx')}`,
    version: 1,
    metadata: {
      timestamp: timeOf(subject),
      tools: { components: [{ type: 'application', name: TOOL.name, version: TOOL.version }] },
      component: {
        type: 'operating-system',
        'bom-ref': IMAGE,
        name: subject.name,
        version: subject.version,
        ...(subject.description !== undefined && { description: subject.description }),
        hashes: [{ alg: 'SHA-256', content: subject.rootfsDigest.replace(/^sha256:/, '') }],
      },
    },
    components: components.map(cyclonedxComponent),
    dependencies: [
      { ref: IMAGE, dependsOn: components.map(({ purl }) => purl) },
      ...components.map(({ purl, dependsOn }) => ({ ref: purl, dependsOn })),
    ],
  };
}
