import { needsDomain } from '../generators/stack/sites.js';
import type { Service } from './service.js';

/** Where a service can live, in the words of the catalogue's page. */
export function placing(service: Service): string {
  const routes = service.routes ?? [];
  if (routes.length === 0) return service.tasks && !service.ports ? 'tasks' : service.ports ? 'port' : '-';
  if (needsDomain(service)) return 'own domain';
  if (routes.every(({ own }) => own === 'no')) return 'path';
  return 'path or own domain';
}

const entering = { public: 'everybody', login: 'its own login', protected: 'nginx asks' };

/** Who may enter a service's routes unless the owner says otherwise. */
export function entry(service: Service): string {
  return [...new Set((service.routes ?? []).map(({ access }) => entering[access]))].join(', ') || '-';
}
