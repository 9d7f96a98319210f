import { loadCatalog } from '../../catalog/load.js';
import type { CommandLine } from './arguments.js';

/** Prints the catalogue: a table, or with `--json` one object. */
export function list(line: CommandLine): number {
  const services = [...loadCatalog(line.catalog).values()];
  if (line.json) {
    const report = services.map(
      ({ id, title, category, summary, memory, maturity, image, homepage, license }) => ({
        id,
        title,
        category,
        summary,
        memory,
        maturity,
        image: `${image.name}:${image.tag}`,
        homepage,
        license,
      }),
    );
    process.stdout.write(`${JSON.stringify({ services: report }, null, 2)}\n`);
    return 0;
  }
  for (const { id, category, memory, summary } of services) {
    process.stdout.write(
      `${id.padEnd(14)} ${category.padEnd(11)} ${String(memory).padStart(5)} MB  ${summary}\n`,
    );
  }
  return 0;
}
