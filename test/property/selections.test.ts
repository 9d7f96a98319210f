import { expect, test } from '@jest/globals';
import { tlsModes } from '../../generators/stack/tls.js';
import fc from 'fast-check';
import { loadCatalog } from '../../catalog/load.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import type { Answers, DomainAnswer } from '../../generators/stack/answers.js';
import { completeEnv } from '../../generators/stack/env.js';
import { needsDomain } from '../../generators/stack/sites.js';
import { run, secretValues } from '../run.js';
import { choosable, compatible, makeStack, withNeeds, writeRepository } from '../stacks.js';
import { nginxTest } from '../tools/lint.js';

const catalog = loadCatalog();
const templates = loadTemplates(catalog);
const ids = choosable(catalog);
const routed = ids.filter((id) => catalog.get(id)?.routes?.some(({ own }) => own !== 'no'));

/** Any selection, on one to four domains: some own a domain, some are by path on another; each TLS mode and port. */
const anyAnswers = fc
  .record({
    services: fc
      .subarray(ids, { minLength: 1 })
      .chain((chosen) => fc.shuffledSubarray(chosen, { minLength: chosen.length })),
    owners: fc.array(fc.constantFrom(...routed), { maxLength: 3 }),
    moved: fc.subarray(routed, { maxLength: 3 }),
    alias: fc.boolean(),
    tls: fc.constantFrom(...tlsModes),
    expose: fc.boolean(),
    port: fc.constantFrom(443, 8443),
  })
  .map(({ services: chosen, owners, moved, alias, tls, expose, port }): Answers => {
    const services = compatible(chosen, catalog);
    const homeless = withNeeds(services, catalog).filter((id) => needsDomain(catalog.get(id)));
    const owning = [...new Set([...owners.filter((id) => services.includes(id)), ...homeless])];
    const elsewhere = moved.filter((id) => services.includes(id) && !owning.includes(id));
    const domains: DomainAnswer[] = [
      { host: 'gis.example.org', ...(alias ? { aliases: ['www.gis.example.org', 'maps.example.net'] } : {}) },
    ];
    owning.forEach((owner, index) => domains.push({ host: `own${index}.example.org`, owner }));
    if (elsewhere.length > 0) domains.push({ host: 'other.example.org', services: elsewhere });
    return {
      name: 'any',
      services,
      domains,
      tls,
      expose: expose && services.includes('postgis') ? { postgis: '127.0.0.1:5432' } : {},
      settings: port === 443 ? {} : { nginx: { https_port: port } },
    };
  });

const make = (answers: Answers): ReturnType<typeof makeStack> => makeStack(answers, catalog, templates);

test('any answers give the same bytes twice, and no secret outside .env', () => {
  fc.assert(
    fc.property(anyAnswers, (answers) => {
      const one = make(answers);
      const two = make(structuredClone(answers));
      expect([...two.rendered.files]).toEqual([...one.rendered.files]);
      for (const secret of secretValues(completeEnv(undefined, one.rendered.env)))
        for (const { content } of one.rendered.files.values()) expect(content).not.toContain(secret);
    }),
    { numRuns: 200 },
  );
});

test('any answers leave no template mark, no undefined and no tab at a line end in a file', () => {
  fc.assert(
    fc.property(anyAnswers, (answers) => {
      for (const [path, { content }] of make(answers).rendered.files) {
        expect({ path, found: /<%|%>|\bundefined\b|\[object |[ \t]+$/m.exec(content)?.[0] }).toEqual({
          path,
          found: undefined,
        });
        expect(content.endsWith('\n') && !content.endsWith('\n\n')).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

test('any answers place every route once, and publish no port twice', () => {
  fc.assert(
    fc.property(anyAnswers, (answers) => {
      const { stack, rendered } = make(answers);
      const places = stack.sites.flatMap(({ host, routes }) => routes.map(({ path }) => host + path));
      expect(new Set(places).size).toBe(places.length);
      const wanted = stack.services.flatMap(({ routes }) => routes ?? []).length;
      expect(places.length).toBe(wanted);
      const ports = rendered.compose.containers
        .flatMap(({ definition }) => (definition.ports ?? []) as string[])
        .map((port) => port.split(':').at(-2));
      expect(new Set(ports).size).toBe(ports.length);
    }),
    { numRuns: 500 },
  );
});

test('docker compose and nginx accept any answers', () => {
  fc.assert(
    fc.property(anyAnswers, (answers) => {
      const folder = writeRepository(make(answers).rendered);
      expect(run('docker', ['compose', 'config', '-q'], { cwd: folder })).toEqual({
        code: 0,
        stdout: '',
        stderr: '',
      });
      expect(nginxTest(folder)).toEqual({ code: 0, stdout: '', stderr: '' });
    }),
    { numRuns: 60 },
  );
}, 300_000);
