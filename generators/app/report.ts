import type { Plan } from './plan.js';
import { stackWarnings } from '../stack/administration.js';
import { siteUrl } from '../stack/sites.js';
import { makeView } from '../stack/view.js';

/** The plan, for a person: services, addresses, memory in all, published ports. */
export function describePlan({ stack, changes }: Plan): string {
  const added = new Map(stack.added.map(({ service, by }) => [service.id, by.title]));
  const lines = ['Services'];
  for (const service of stack.services) {
    const because = added.has(service.id) ? `, because ${added.get(service.id) ?? ''} needs it` : '';
    lines.push(
      `  ${service.title.padEnd(26)} ${String(service.memory).padStart(5)} MB  ${service.image.name}:${service.image.tag}${because}`,
    );
  }
  lines.push(`  ${'Memory in all'.padEnd(26)} ${String(stack.memory).padStart(5)} MB`, '', 'Addresses');
  for (const site of stack.sites) {
    if (site.root === 'portal')
      lines.push(`  ${siteUrl(site.host, stack)}/  portal: a page of all addresses`);
    for (const alias of site.aliases) lines.push(`  ${siteUrl(alias, stack)}/  redirects to ${site.host}`);
  }
  for (const route of makeView(stack).routes) lines.push(`  ${route.url}  ${route.title}`);
  lines.push('', 'Published ports');
  lines.push(
    stack.tls === 'off' ? `  ${stack.httpPort} nginx` : `  ${stack.httpPort}, ${stack.httpsPort} nginx`,
  );
  for (const port of stack.ports) lines.push(`  ${port.bind} ${port.name}: ${port.purpose}`);
  const warnings = stackWarnings(stack);
  if (warnings.length > 0) lines.push('', 'Warnings', ...warnings.map((warning) => `  ${warning}`));
  lines.push('', 'Files', `  ${summary(changes.filter(({ path }) => !path.startsWith('.osgs/')))}`);
  return `${lines.join('\n')}\n`;
}

/** `12 created, 3 unchanged`. */
export function summary(changes: Plan['changes']): string {
  const counts = new Map<string, number>();
  for (const { action } of changes) counts.set(action, (counts.get(action) ?? 0) + 1);
  return [...counts].map(([action, count]) => `${count} ${action}`).join(', ');
}

/** The report of `--json`. */
export function reportObject(plan: Plan, directory: string, written: boolean): object {
  return {
    directory,
    written,
    name: plan.stack.name,
    services: plan.stack.services.map(({ id, image }) => ({ id, image: `${image.name}:${image.tag}` })),
    addresses: makeView(plan.stack).routes.map((route) => ({ id: route.id, url: route.url })),
    memory: plan.stack.memory,
    changes: plan.changes
      .filter(({ path }) => !path.startsWith('.osgs/'))
      .map(({ path, action }) => ({ path, action })),
  };
}
