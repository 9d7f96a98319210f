import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import helpers, { result } from 'yeoman-test';
import { loadCatalog } from '../../catalog/load.js';
import App, { type AppOptions } from '../../generators/app/index.js';
import type { Plan } from '../../generators/app/plan.js';
import { emptyFolder } from '../run.js';

const directory = (): string => join(emptyFolder(), 'stack');

function options(more: Partial<AppOptions>): AppOptions & Record<string, unknown> {
  return {
    directory: directory(),
    catalog: loadCatalog(),
    version: '0.0.0',
    known: {},
    given: [],
    ask: true,
    interactive: true,
    yes: false,
    conflict: 'ask',
    locked: false,
    what: 'create',
    dryRun: false,
    done: () => undefined,
    ...more,
  };
}

async function runApp(more: Partial<AppOptions>, answers: Record<string, unknown>): Promise<string> {
  const given = options(more);
  await helpers
    .run(App as never, { namespace: 'osgs:app', resolved: import.meta.filename })
    .withOptions(given as never)
    .withAnswers(answers);
  return given.directory;
}

test('answers to the prompts become the files of a stack', async () => {
  let plan: Plan | undefined;
  const folder = await runApp(
    { done: (decided) => (plan = decided) },
    {
      name: 'asked',
      services: ['qgis-server', 'mapproxy'],
      domains: 'a.org b.org=mapproxy',
      tls: 'off',
      email: '',
      go: true,
    },
  );
  expect(plan?.stack.name).toBe('asked');
  result.assertFile([
    join(folder, 'compose.yaml'),
    join(folder, '.env'),
    join(folder, '.osgs/manifest.json'),
  ]);
  result.assertFileContent(
    join(folder, 'services/mapproxy/config/mapproxy.yaml'),
    'http://qgis-server/ogc/world',
  );
  result.assertFileContent(join(folder, 'nginx/sites/b.org.conf'), 'return 302 http://b.org/mapproxy/demo/;');
  result.assertNoFileContent(join(folder, 'compose.yaml'), '443:443');
});

test('what flags gave is not asked', async () => {
  const folder = await runApp(
    { known: { services: ['martin'], tls: 'off' }, given: ['services', 'tls'] },
    {
      name: 'asked',
      services: ['geoserver'],
      tls: 'self-signed',
      domains: 'a.org',
      email: '',
      expose: [],
      go: true,
    },
  );
  result.assertFile(join(folder, 'services/martin/config.yaml'));
  result.assertNoFile(join(folder, 'nginx/routes/geoserver.conf'));
});

test("a re-run's files pass through Yeoman's memory, and removed ones are marked deleted", async () => {
  const answers = { name: 'asked', domains: 'a.org', tls: 'off', email: '', expose: [], go: true };
  const folder = await runApp({}, { ...answers, services: ['martin', 'hugo'] });
  const states = (): Record<string, string | undefined> =>
    Object.fromEntries(
      Object.entries(result.getSnapshot() as Record<string, { stateCleared?: string }>).map(
        ([path, { stateCleared }]) => [path.split('stack/').pop() ?? '', stateCleared],
      ),
    );
  expect(states()).toMatchObject({ 'compose.yaml': 'modified', 'nginx/routes/hugo.conf': 'modified' });
  await runApp({ directory: folder }, { ...answers, services: ['martin'] });
  expect(states()).toMatchObject({ 'compose.yaml': 'modified', 'nginx/routes/hugo.conf': 'deleted' });
  expect(states()).not.toHaveProperty('nginx/routes/martin.conf');
  result.assertNoFile(join(folder, 'nginx/routes/hugo.conf'));
});

test('declining the plan writes nothing', async () => {
  const folder = directory();
  const run = runApp(
    { directory: folder },
    { name: 'asked', services: ['martin'], domains: 'a.org', tls: 'off', email: '', expose: [], go: false },
  );
  await expect(run).rejects.toThrow('cancelled: nothing was written');
  expect(existsSync(folder)).toBe(false);
});
