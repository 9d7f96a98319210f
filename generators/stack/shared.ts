import type { CatalogService } from '../../catalog/service.js';
import type { ContainerBlock } from './compose.js';
import type { Stack } from './stack.js';

/** A mount of a container: a path of the repository without `./`, or the name of a volume. */
export interface Mount {
  container: ContainerBlock;
  kind: 'path' | 'volume';
  source: string;
  target: string;
  writable: boolean;
}

/** A folder or volume that some containers write and others read. Who writes is not among those who read. */
export interface SharedPlace {
  service: CatalogService;
  kind: 'folder' | 'volume';
  name: string;
  why: string;
  writers: ContainerBlock[];
  readers: ContainerBlock[];
}

/** The mounts of containers that are of the repository or volumes. */
export function mountsOf(containers: ContainerBlock[]): Mount[] {
  return containers.flatMap((container) =>
    ((container.definition.volumes ?? []) as string[]).flatMap((text): Mount[] => {
      const [source = '', target = '', options = ''] = text.split(':');
      if (source.startsWith('/')) return [];
      const kind = source.startsWith('.') ? 'path' : 'volume';
      const writable = !options.split(',').includes('ro');
      return [{ container, kind, source: source.replace(/^\.\/?/, ''), target, writable }];
    }),
  );
}

/** Whether a path is the other one or below it. The empty path is the repository. */
export function within(path: string, other: string): boolean {
  return other === '' || path === other || path.startsWith(`${other}/`);
}

/** What the services declare as data, with who writes and reads it in this stack. Places that nobody writes are left out. */
export function sharedPlaces(stack: Stack, containers: ContainerBlock[]): SharedPlace[] {
  const mounts = mountsOf(containers);
  return stack.services.flatMap((service) =>
    (service.data ?? []).flatMap(({ folder, volume, why }): SharedPlace[] => {
      const kind = folder === undefined ? 'volume' : 'folder';
      const name = folder ?? volume ?? '';
      const here = mounts.filter((mount) =>
        kind === 'volume'
          ? mount.kind === 'volume' && mount.source === name
          : mount.kind === 'path' && (within(mount.source, name) || within(name, mount.source)),
      );
      const of = (wanted: Mount[]): ContainerBlock[] => [
        ...new Set(wanted.map(({ container }) => container)),
      ];
      const writers = of(here.filter(({ writable }) => writable));
      if (writers.length === 0) return [];
      const readers = of(here).filter((container) => !writers.includes(container));
      return [{ service, kind, name, why, writers, readers }];
    }),
  );
}

/**
 * The mounts by which a container could change what another one runs, in words. A container writes only folders that a
 * service declares as data, and a volume that another service mounts only where it is declared too. Whoever reads such a
 * folder mounts it whole: a file out of it at a place of its own would be configuration.
 */
export function programsInReach(stack: Stack, containers: ContainerBlock[]): string[] {
  const mounts = mountsOf(containers);
  const declared = stack.services.flatMap(({ data = [] }) => data);
  const folders = declared.flatMap(({ folder }) => folder ?? []);
  const volumes = declared.flatMap(({ volume }) => volume ?? []);
  const say = ({ container, source, target }: Mount, what: string): string =>
    `${container.name} ${what} ${source || 'the whole repository'} (at ${target})`;
  return mounts.flatMap((mount) => {
    if (mount.kind === 'volume') {
      const others = mounts.filter(
        ({ kind, source, container }) =>
          kind === 'volume' && source === mount.source && container.service.id !== mount.container.service.id,
      );
      if (!mount.writable || others.length === 0 || volumes.includes(mount.source)) return [];
      const readers = [...new Set(others.map(({ container }) => container.name))].sort().join(', ');
      return [`${say(mount, 'writes the volume')}, which ${readers} mounts: no service declares it as data`];
    }
    if (mount.writable && !folders.some((folder) => within(mount.source, folder)))
      return [`${say(mount, 'writes')}: no service declares it as data`];
    const outer = folders.find((folder) => within(mount.source, folder) && mount.source !== folder);
    if (!mount.writable && outer !== undefined)
      return [`${say(mount, 'mounts')} out of ${outer}, which other containers write`];
    return [];
  });
}
