import { expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import { variations } from '../../catalog/variations.js';
import { frontMemory, frontSizes, passesBodies, sizeInKib } from '../../generators/stack/front-memory.js';
import { render } from '../../generators/stack/render.js';
import { resolve } from '../../generators/stack/resolve.js';
import type { Answers, SettingValue } from '../../generators/stack/answers.js';
import { loadTemplates } from '../../generators/repository/templates.js';

const catalog = loadCatalog();
const templates = loadTemplates(catalog);
const mib = 1024;

/** The stacks of the catalogue, each with nginx's defaults, with the largest values, and with the smallest. */
const stacks = variations(catalog).flatMap(({ what, stack }) =>
  (
    [
      ['defaults', {}],
      ['maxima', bounds('maximum')],
      ['minima', bounds('minimum')],
    ] as const
  ).map(([name, nginx]): [string, Answers] => [
    `${what}, ${name}`,
    {
      ...stack.answers,
      settings: { ...stack.answers.settings, nginx: { ...stack.answers.settings.nginx, ...nginx } },
    },
  ]),
);

function bounds(which: 'minimum' | 'maximum'): Record<string, SettingValue> {
  const names = ['connections_per_client', 'uploads_per_client'];
  const settings = catalog.get('nginx')?.settings?.filter(({ name }) => names.includes(name)) ?? [];
  return {
    ...Object.fromEntries(settings.map((setting) => [setting.name, setting[which] ?? 0])),
    cache: which === 'maximum',
  };
}

/** The value of a directive that stands once in nginx.conf. */
function directive(conf: string, name: string): string {
  const found = [...conf.matchAll(new RegExp(`^\\s*${name} ([^;]+);`, 'gm'))];
  expect({ name, found: found.length }).toEqual({ name, found: 1 });
  return found[0]?.[1] ?? '';
}
const product = (text: string): number => {
  const [count = '', each = ''] = text.split(' ');
  return Number(count) * sizeInKib(each);
};

test.each(stacks)('what nginx can hold fits into its memory: %s', (_what, answers) => {
  const resolved = resolve(answers, catalog);
  if ('problems' in resolved) throw new Error(resolved.problems.map(({ message }) => message).join('; '));
  const { files, compose } = render(resolved.stack, templates);
  const conf = files.get('nginx/nginx.conf')?.content ?? '';
  const container = compose.containers.find(({ name }) => name === 'nginx')?.definition;
  const limit = Number(/:-(\d+)M\}/.exec(JSON.stringify(container?.deploy))?.[1]) * mib;
  const tmpfs = (container?.tmpfs as string[]).map((mount) => /:size=(\d+)m$/.exec(mount)?.[1]);
  expect(tmpfs).not.toContain(undefined);

  // From the emitted files alone: what the generator counted with does not count here.
  const number = (name: string): number => Number(directive(conf, name));
  const kib = (name: string): number => sizeInKib(directive(conf, name));
  const limits = (zone: string): number => Number(new RegExp(`limit_conn ${zone} (\\d+);`).exec(conf)?.[1]);
  const connections = number('worker_processes') * number('worker_connections');
  const requests = limits('osgs_everyone');
  const headers = product(directive(conf, 'large_client_header_buffers'));
  const request =
    16 +
    kib('proxy_buffer_size') +
    product(directive(conf, 'proxy_buffers')) +
    product(directive(conf, 'gzip_buffers')) +
    // zlib's manual: (1 << (windowBits+2)) + (1 << (memLevel+9)), where nginx's hash is 1 << (memLevel+8).
    8 +
    kib('gzip_window') * 4 +
    kib('gzip_hash') * 2 +
    kib('client_body_buffer_size') +
    kib('http2_body_preread_size');
  const zones = [...conf.matchAll(/zone=\w+:(\d+)m/g)].reduce((sum, [, size]) => sum + Number(size) * mib, 0);
  const upstreams = [...(files.get('nginx/upstreams.conf')?.content ?? '').matchAll(/ zone /g)].length * 64;
  const total =
    2 * number('worker_processes') * 10 * mib +
    (connections - requests) * (33 + headers) +
    requests * request +
    tmpfs.reduce((sum, size) => sum + Number(size) * mib, 0) +
    zones +
    // TLS sessions, and the keys of the portal.
    11 * mib +
    upstreams;
  expect(total).toBeLessThanOrEqual(limit);
  // Each answer has its client and its service, and there is room for connections that wait.
  expect(connections).toBeGreaterThanOrEqual(2 * requests + 2048);
  expect(requests).toBeGreaterThan(limits('osgs_connections'));

  // No files of answers; those of bodies of one address fill half of their folder, whatever the sizes of the bodies.
  expect([
    directive(conf, 'proxy_max_temp_file_size'),
    directive(conf, 'fastcgi_max_temp_file_size'),
  ]).toEqual(['0', '0']);
  const folder = Number(/bodies:size=(\d+)m/.exec(JSON.stringify(container?.tmpfs))?.[1]) * mib;
  const ofOne = limits('osgs_large') * frontSizes.file + limits('osgs_middle') * mib;
  expect(2 * ofOne).toBeLessThanOrEqual(folder);
  for (const [path, { content }] of files)
    for (const [block] of path.startsWith('nginx/routes/')
      ? content.matchAll(/^location [^{]+\{\n[^}]*(?:\}\n[^}]*)*?^\}/gm)
      : []) {
      const size = /client_max_body_size (\w+);/.exec(block)?.[1];
      if (size === undefined) continue;
      const streams = block.includes('snippets/streams.conf');
      expect({ path, streams, fits: streams || sizeInKib(size) <= frontSizes.file }).toMatchObject({
        fits: true,
      });
    }
});

test('the largest settings of nginx ask for a memory limit that a server has', () => {
  expect(frontMemory({}).limit).toBeLessThanOrEqual(1728);
  expect(frontMemory({ ...bounds('maximum') }).limit).toBeLessThanOrEqual(6144);
});

test('bodies that may be larger than a file of nginx go to the service piece by piece', () => {
  expect(passesBodies({ body_size: '10m' })).toBe(false);
  expect(passesBodies({})).toBe(false);
  for (const body_size of ['0', '11m', '20m', '4g']) expect(passesBodies({ body_size })).toBe(true);
  expect(passesBodies({ buffering: false })).toBe(true);
});
