import { isIP } from 'node:net';
import type { Answers } from './answers.js';
import { nearest } from './near.js';
import type { Locate, Problem } from './problem.js';
import type { PublishedPort, Stack } from './stack.js';

/** The ports that the answers publish beside nginx's own. No port of the host is given twice. */
export function resolvePorts(
  answers: Answers,
  base: Pick<Stack, 'services' | 'httpPort' | 'httpsPort' | 'scheme'>,
  problems: Problem[],
  locate: Locate,
): PublishedPort[] {
  const offered = base.services.flatMap((service) =>
    (service.ports ?? []).map((port) => ({ service, port })),
  );
  const ports: PublishedPort[] = [];
  for (const [name, bind] of Object.entries(answers.expose)) {
    const found = offered.find(({ port }) => port.name === name);
    if (!found) {
      const near = nearest(
        name,
        offered.map(({ port }) => port.name),
      );
      problems.push(
        locate(
          ['expose', name],
          `no service of this stack has a port '${name}' to publish`,
          near.length > 0
            ? `Did you mean ${near.join(' or ')}?`
            : `There are: ${offered.map(({ port }) => port.name).join(', ') || 'none'}.`,
        ),
      );
      continue;
    }
    const match = /^(?:(\[[^\]]+\]|[^:]+):)?(\d+)$/.exec(bind);
    const address = (match?.[1] ?? '127.0.0.1').replace(/^\[|\]$/g, '');
    const number = Number(match?.[2]);
    if (!match || isIP(address) === 0 || number < 1 || number > 65535) {
      problems.push(
        locate(['expose', name], `'${bind}' is not an address and port`, 'Give one such as 127.0.0.1:5432.'),
      );
      continue;
    }
    ports.push({
      name,
      service: found.service,
      container: found.port.container,
      containerPort: found.port.port,
      protocol: found.port.protocol,
      bind: `${isIP(address) === 6 ? `[${address}]` : address}:${number}`,
      purpose: found.port.purpose,
    });
  }
  const taken = new Map<string, string>([[`${base.httpPort}/tcp`, 'nginx (http_port)']]);
  const take = (port: string, who: string, path: string[]): void => {
    const other = taken.get(port);
    if (other)
      problems.push(
        locate(
          path,
          `port ${port} of the host is published twice: by ${other} and by ${who}`,
          'Choose another port for one of them.',
        ),
      );
    taken.set(port, who);
  };
  if (base.scheme === 'https')
    take(`${base.httpsPort}/tcp`, 'nginx (https_port)', ['settings', 'nginx', 'https_port']);
  for (const port of ports)
    take(`${port.bind.split(':').at(-1)}/${port.protocol}`, port.name, ['expose', port.name]);
  return ports;
}
