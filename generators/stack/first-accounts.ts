import { closedAtFirst } from './conditions.js';
import { fillAll, serviceView, type View } from './view.js';

/** Where nginx's container notes which services are open. In memory: after a restart of nginx they are asked again. */
export const openFolder = '/run/osgs-open';

/** A service whose routes nginx refuses until its administrator exists. */
export interface ClosedService {
  id: string;
  title: string;
  /** Nobody waits for it: its first start takes hours. */
  slow: boolean;
  /** A command of scripts/nginx-first-accounts.sh that succeeds where the administrator exists. */
  look: string;
  /** What a person does where it stays closed. */
  remedy: string;
}

/** The services of a stack that are closed at first, in order. */
export function closedServices(view: View): ClosedService[] {
  return view.stack.services.filter(closedAtFirst).map((service) => {
    const { first_account: account } = fillAll(
      { first_account: service.first_account },
      serviceView(view, service),
      service.file,
    );
    const { ask = '', event, login, open_when: when = [] } = account ?? {};
    const answer = typeof when === 'string' ? `shows ${quote(when)}` : `answers '${when.join(' ')}'`;
    const how =
      event === undefined
        ? `page ${quote(ask)} ${quote(login ?? '')}`
        : `event ${quote(ask)} ${quote(event)}`;
    return {
      id: service.id,
      title: service.title,
      slow: service.slow_start !== undefined,
      look: `${answer} ${how}`,
      remedy:
        login === undefined
          ? 'the logs of its containers and jobs say why'
          : `it accepts the login ${login}, which everybody knows: give this account another password`,
    };
  });
}

/** The nginx condition that holds while a service is closed; absent where it is never closed. */
export function closedWhile(
  service: Parameters<typeof closedAtFirst>[0] & { id: string },
): string | undefined {
  return closedAtFirst(service) ? `!-f ${openFolder}/${service.id}` : undefined;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
