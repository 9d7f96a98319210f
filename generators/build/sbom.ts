import { createHash } from 'node:crypto';
import type { BundledPackage } from './licences.js';

/** What the package holds, as a CycloneDX 1.6 document: https://cyclonedx.org/docs/1.6/json/. The same input gives the same bytes. */
export function sbom(
  own: { name: string; version: string; license: string },
  packages: BundledPackage[],
): string {
  const components = packages
    .map(({ name, version, license }) => component('library', name, version, license))
    .toSorted((a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1));
  const root = component('application', own.name, own.version, own.license);
  const content = {
    components,
    // Which of them needs which other is not said: all of them are parts of one bundle.
    dependencies: [
      { ref: root['bom-ref'], dependsOn: components.map((one) => one['bom-ref']) },
      ...components.map((one) => ({ ref: one['bom-ref'] })),
    ],
  };
  const document = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify([root, content]))}`,
    version: 1,
    metadata: { component: root },
    ...content,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function component(type: string, name: string, version: string, license?: string) {
  const [scope, rest] = name.startsWith('@') ? name.split('/') : [undefined, name];
  // https://github.com/package-url/purl-spec: the @ of a scope is encoded, and so is the + of a version.
  const path = scope === undefined ? name : `${encodeURIComponent(scope)}/${rest ?? ''}`;
  const purl = `pkg:npm/${path}@${encodeURIComponent(version)}`;
  return {
    type,
    'bom-ref': purl,
    ...(scope === undefined ? {} : { group: scope }),
    name: rest ?? name,
    version,
    ...(license === undefined ? {} : { licenses: [licence(license)] }),
    purl,
  };
}

/** An SPDX expression, or the one identifier that it is. */
function licence(text: string): { license: { id: string } } | { expression: string } {
  return /^[A-Za-z0-9.-]+$/.test(text) ? { license: { id: text } } : { expression: text };
}

/** A UUID (version 8, RFC 9562) of a content. */
function uuidOf(content: string): string {
  const hex = createHash('sha256').update(content).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
