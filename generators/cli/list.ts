import { loadNotOffered } from '../../catalog/own.js';
import { entry, placing } from '../../catalog/placing.js';
import type { CatalogService } from '../../catalog/service.js';
import { categories } from '../stack/categories.js';
import type { CommandLine } from './arguments.js';
import { catalogWith } from './catalog.js';

/** Prints the catalogue: tables of services and presets, or with `--json` one object. */
export async function list(line: CommandLine): Promise<number> {
  const catalog = await catalogWith(line.catalog);
  const services = [...catalog.values()];
  const presets = [...catalog.presets.values()];
  if (line.json) {
    const report = {
      services: services.map(describe),
      presets: presets.map(({ id, title, summary, services: ids }) => ({
        id,
        title,
        summary,
        services: ids,
      })),
      not_offered: loadNotOffered(),
    };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return 0;
  }
  const wide = Math.max(...services.map(({ id }) => id.length), ...presets.map(({ id }) => id.length));
  for (const category of categories) {
    const own = services.filter((service) => service.category === category);
    if (own.length > 0) process.stdout.write(`${category}\n`);
    for (const { id, memory, summary, maturity } of own) {
      const mark = maturity === 'experimental' ? ' [experimental]' : '';
      process.stdout.write(`  ${id.padEnd(wide)} ${String(memory).padStart(6)} MB  ${summary}${mark}\n`);
    }
  }
  if (presets.length > 0) process.stdout.write('presets (--preset NAME)\n');
  for (const { id, summary } of presets) process.stdout.write(`  ${id.padEnd(wide)} ${summary}\n`);
  return 0;
}

function describe(service: CatalogService): object {
  const { id, title, category, summary, memory, maturity, image, homepage, docs, license } = service;
  return {
    id,
    title,
    category,
    summary,
    memory,
    maturity,
    image: `${image.name}:${image.tag}`,
    flavours: Object.fromEntries(
      (service.flavours ?? []).map((flavour) => [flavour.id, `${flavour.image.name}:${flavour.image.tag}`]),
    ),
    needs: service.needs ?? [],
    suggests: service.suggests ?? [],
    lives_at: placing(service),
    who_may_enter: entry(service),
    homepage,
    docs,
    license,
  };
}
