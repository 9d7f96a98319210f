import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { categories } from '../generators/stack/categories.js';
import { loadCatalog, loadNotOffered, packageRoot } from './load.js';
import { entry, placing } from './placing.js';
import type { Catalog, CatalogService, NotOffered } from './service.js';

function row(service: CatalogService): string {
  const name = `[${service.title}](${service.homepage})`;
  const mark = service.maturity === 'experimental' ? ' (experimental)' : '';
  const others = (service.flavours ?? []).map(
    ({ id, image }) => `; \`${id}\`: \`${image.name}:${image.tag}\``,
  );
  const cells = [
    `\`${service.id}\``,
    `${name}${mark}: ${service.summary}`,
    `\`${service.image.name}:${service.image.tag}\`${others.join('')}`,
    `${service.memory} MB`,
    placing(service),
    entry(service),
    service.needs?.map((id) => `\`${id}\``).join(', ') ?? '-',
    service.license,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
}

/** The text of `catalog/README.md`: every service, every preset, and what is left out. */
export function catalogPage(catalog: Catalog, left: NotOffered[]): string {
  const services = [...catalog.values()];
  const head =
    '| Id | Service | Image | Memory | Lives at | Who may enter | Needs | Licence |\n|---|---|---|---|---|---|---|---|\n';
  const groups = categories.flatMap((category) => {
    const own = services.filter((service) => service.category === category);
    if (own.length === 0) return [];
    return [
      `\n## ${category[0]?.toUpperCase() ?? ''}${category.slice(1)}\n\n${head}${own.map(row).join('')}`,
    ];
  });
  const presets = [...catalog.presets.values()].map(
    ({ id, title, summary, services: ids }) =>
      `| \`${id}\` | ${title}: ${summary} | ${ids.map((name) => `\`${name}\``).join(', ')} |\n`,
  );
  const untested = services.filter((service) => service.untested);
  return `# The catalogue

${services.length} services and ${presets.length} presets. Made by \`npm run catalog\` from \`catalog/\`: do not edit this page. What each service sets, and where
that was read, stands in its file in \`catalog/services/\`.

## Presets

\`create-osgs --preset NAME\` starts from the services of a use case.

| Name | What for | Services |
|---|---|---|
${presets.join('')}${groups.join('')}
## Not run in this project's tests

No image can be started everywhere: of these, the contract was read in the image's own repository and checked on paper.

${untested.map(({ title, untested: why = '' }) => `- ${title}: ${why.trim()}\n`).join('')}
## Left out, and why

${left.map(({ title, homepage, reason }) => `- [${title}](${homepage}): ${reason.trim()}\n`).join('')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(join(packageRoot(), 'catalog/README.md'), catalogPage(loadCatalog(), loadNotOffered()));
