import type { Problem } from '../generators/stack/problem.js';
import type { Catalog, FirstAccount, Service } from './service.js';

type At = (path: (string | number)[], message: string, remedy?: string) => Problem;

/**
 * What is wrong with the first account of a service. A service with a login says who makes its first account: a visitor who
 * makes it is the administrator. What nginx asks must be a container that nginx reaches.
 */
export function firstAccountProblems(service: Service, at: At): Problem[] {
  const route = (service.routes ?? []).findIndex(({ access }) => access === 'login');
  const secret = (service.settings ?? []).findIndex(
    ({ name, type }) => type === 'secret' && /^admin(istrator)?_password$/.test(name),
  );
  const account = service.first_account;
  if (!account) {
    const place = route >= 0 ? ['routes', route, 'access'] : secret >= 0 ? ['settings', secret] : undefined;
    if (!place || (service.routes ?? []).length === 0) return [];
    return [
      at(
        place,
        `'${service.id}' has accounts, and does not say who makes the first one`,
        'Add first_account with made_by and source; with ask and open_when where a visitor could be first.',
      ),
    ];
  }
  const container = account.ask?.split(':')[0];
  const reached = (service.routes ?? []).some(({ upstream }) => upstream.split(':')[0] === container);
  if (container === undefined || reached) return [];
  return [
    at(
      ['first_account', 'ask'],
      `nginx does not reach the container '${container}'`,
      'Name a container that is the upstream of a route of this service.',
    ),
  ];
}

/** Until when nginx refuses the routes of a service, in words. */
export function closedUntil({ ask, event, login, open_when: when }: FirstAccount): string {
  if (ask === undefined) return 'never: the account exists before the service listens';
  const answer = typeof when === 'string' ? `shows \`${when}\`` : `answers ${(when ?? []).join(', ')}`;
  const what = event === undefined ? '' : `, asked for the event \`${event}\`,`;
  return `\`${ask}\`${what} ${answer}${login === undefined ? '' : ` to the login \`${login}\``}`;
}

/** The table of first accounts, in Markdown. */
export function firstAccountTable(catalog: Catalog): string {
  const rows = [...catalog.values()].flatMap(({ id, first_account: account }) =>
    account
      ? `| \`${id}\` | ${[account.made_by, closedUntil(account), account.source].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
      : [],
  );
  return `| Service | First account made by | Closed at nginx until | Source |\n|---|---|---|---|\n${rows.join('')}`;
}
