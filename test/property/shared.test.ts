import { describe, expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import { variations } from '../../catalog/variations.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import type { ContainerBlock } from '../../generators/stack/compose.js';
import { render } from '../../generators/stack/render.js';
import { mountsOf, programsInReach, sharedPlaces, within } from '../../generators/stack/shared.js';

const catalog = loadCatalog();
const stacks = variations(catalog);

describe('what a container writes is data', () => {
  test('in every variation, no container writes what another one runs or reads as its configuration', () => {
    const wrong = stacks.flatMap(({ what, stack, containers }) =>
      programsInReach(stack, containers).map((text) => `${what}: ${text}`),
    );
    expect(wrong).toEqual([]);
    const writable = new Set(
      stacks.flatMap(({ containers }) =>
        mountsOf(containers)
          .filter((mount) => mount.kind === 'path' && mount.writable)
          .map((mount) => `${mount.container.name} ${mount.source}`),
      ),
    );
    expect(writable.size).toBeGreaterThan(20);
  });

  test('every declaration is of a place that is written in some stack', () => {
    const written = new Set(
      stacks.flatMap(({ stack, containers }) => sharedPlaces(stack, containers).map(({ name }) => name)),
    );
    const declared = [...catalog.values()].flatMap(({ data = [] }) =>
      data.map(({ folder, volume }) => folder ?? volume ?? ''),
    );
    expect(declared.filter((name) => !written.has(name))).toEqual([]);
  });

  test('below a folder that containers write we put samples and notes alone, and nothing that is run', () => {
    const all = stacks[0];
    if (!all) throw new Error('no stack');
    const folders = sharedPlaces(all.stack, all.containers).filter(({ kind }) => kind === 'folder');
    const { files } = render(all.stack, loadTemplates(catalog));
    const inside = [...files].filter(([path]) => folders.some(({ name }) => within(path, name)));
    expect(inside.length).toBeGreaterThan(5);
    const wrong = inside.filter(
      ([path, { kind, mode }]) =>
        (kind !== 'once' && !/\/(\.gitignore|README\.md)$/.test(path)) || mode !== 0o644,
    );
    expect(wrong.map(([path]) => path)).toEqual([]);
  });

  test('the runbook says who writes what, and what that means', () => {
    const all = stacks[0];
    if (!all) throw new Error('no stack');
    const readme = render(all.stack, loadTemplates(catalog)).files.get('README.md')?.content ?? '';
    expect(readme).toMatch(/\| folder `services\/mapserver\/maps` \| `sftp` \| `mapserver` \|/);
    expect(readme).toContain('its author reads all that the container and the database role');
  });
});

describe('the check finds', () => {
  const first = stacks[0];
  if (!first) throw new Error('no stack');
  /** The stack with other mounts in the containers. */
  const withMounts = (mounts: Record<string, string[]>): string[] => {
    const changed = first.containers.map((block): ContainerBlock => {
      const volumes = [...((block.definition.volumes ?? []) as string[]), ...(mounts[block.name] ?? [])];
      return { ...block, definition: { ...block.definition, volumes } };
    });
    return programsInReach(first.stack, changed);
  };

  test.each([
    ['the finding: a whole service', { sftp: ['./services/mapserver:/home/gis/all'] }],
    ['a folder of configuration', { sftp: ['./services/mapproxy/config:/home/gis/mapproxy'] }],
    ['one file of configuration', { sftp: ['./services/pygeoapi/pygeoapi.yml:/home/gis/pygeoapi.yml'] }],
    ['a folder above data', { filebrowser: ['./services/hugo/site:/srv/site'] }],
    ['scripts', { jupyter: ['./scripts:/scripts'] }],
    ['the whole repository', { jupyter: ['./:/all'] }],
    ['the configuration of nginx', { 'node-red': ['./nginx/local.d:/nginx'] }],
    ['a folder whose name only begins like that of data', { sftp: ['./services/gdal/data2:/home/gis/x'] }],
    ['a volume of another service', { jupyter: ['grafana:/grafana:ro'] }],
    [
      'configuration that is read out of a folder of data',
      { grafana: ['./services/gdal/data/x.yaml:/etc/x:ro'] },
    ],
  ])('%s', (_what, mounts) => {
    expect(withMounts(mounts)).toHaveLength(1);
  });

  test('nothing where a container writes data, or only reads', () => {
    expect(
      withMounts({ jupyter: ['./services/gdal/data:/g', './services/grafana:/c:ro', './scripts:/s:ro'] }),
    ).toEqual([]);
  });
});
