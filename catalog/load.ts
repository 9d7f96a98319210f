import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ProblemError, type Problem } from '../generators/stack/problem.js';
import { compileSchema, readYaml } from '../generators/stack/yaml-file.js';
import type { Catalog, CatalogService, Preset, Service, Setting } from './service.js';

/** The folder of this package, found from wherever the code was built to. */
export function packageRoot(from = import.meta.dirname): string {
  if (existsSync(join(from, 'package.json')) && existsSync(join(from, 'templates'))) return from;
  const up = dirname(from);
  if (up === from) throw new Error('create-osgs is not installed whole: its templates were not found');
  return packageRoot(up);
}

/**
 * Reads the package's own catalogue and the folders given with `--catalog`. Such a folder holds `services/*.yaml` (or
 * the files themselves) and, beside them, `templates/services/<id>/`. A later service replaces an earlier one of its id.
 * Throws a ProblemError that lists everything that is wrong in any of the files.
 */
export function loadCatalog(folders: string[] = []): Catalog {
  const root = packageRoot();
  const validate = schemaOf('service');
  const problems: Problem[] = [];
  const services = new Map<string, CatalogService>();
  const sources = [{ files: join(root, 'catalog/services'), templates: join(root, 'templates/services') }];
  for (const folder of folders) {
    const nested = join(folder, 'services');
    sources.push({
      files: existsSync(nested) ? nested : folder,
      templates: join(folder, 'templates/services'),
    });
  }
  for (const { files, templates } of sources) {
    for (const file of listYaml(files, problems)) {
      const yaml = readYaml(readFileSync(file, 'utf8'), file, validate);
      problems.push(...yaml.problems);
      if (yaml.problems.length > 0) continue;
      const service = yaml.data as Service;
      if (`${service.id}.yaml` !== basename(file)) {
        problems.push(
          yaml.at(['id'], `the file of service '${service.id}' must be called ${service.id}.yaml`),
        );
      }
      for (const volume of unnamedVolumes(service))
        problems.push(
          yaml.at(
            ['state'],
            `no entry says how the volume '${volume}' is backed up`,
            `Add { volume: ${volume} } with stop: true where its program must stand still, or skip: with the reason.`,
          ),
        );
      services.set(service.id, {
        ...withReplicas(withFlavours(service)),
        file,
        templates: join(templates, service.id),
      });
    }
  }
  const presets = new Map<string, Preset>();
  const validatePreset = schemaOf('preset');
  for (const folder of [join(root, 'catalog'), ...folders]) {
    if (existsSync(join(folder, 'presets')))
      for (const file of listYaml(join(folder, 'presets'), problems)) {
        const preset = readPreset(file, validatePreset, services, problems);
        if (preset) presets.set(preset.id, preset);
      }
  }
  if (problems.length > 0) throw new ProblemError(problems);
  return Object.assign(services, { presets });
}

function readPreset(
  file: string,
  validate: ReturnType<typeof schemaOf>,
  services: Map<string, unknown>,
  problems: Problem[],
): Preset | undefined {
  const yaml = readYaml(readFileSync(file, 'utf8'), file, validate);
  problems.push(...yaml.problems);
  if (yaml.problems.length > 0) return undefined;
  const preset = yaml.data as Preset;
  if (`${preset.id}.yaml` !== basename(file))
    problems.push(yaml.at(['id'], `the file of preset '${preset.id}' must be called ${preset.id}.yaml`));
  preset.services.forEach((id, index) => {
    if (!services.has(id)) problems.push(yaml.at(['services', index], `there is no service '${id}'`));
  });
  return preset;
}

/** Software that the catalogue leaves out. */
export interface NotOffered {
  title: string;
  homepage: string;
  reason: string;
}

/** Reads what the catalogue leaves out, and why. Throws a ProblemError where the file is wrong. */
export function loadNotOffered(): NotOffered[] {
  const file = join(packageRoot(), 'catalog/not-offered.yaml');
  const yaml = readYaml(readFileSync(file, 'utf8'), file, schemaOf('not-offered'));
  if (yaml.problems.length > 0) throw new ProblemError(yaml.problems);
  return yaml.data as NotOffered[];
}

function schemaOf(name: string): ReturnType<typeof compileSchema> {
  const file = join(packageRoot(), `catalog/schema/${name}.schema.json`);
  return compileSchema(JSON.parse(readFileSync(file, 'utf8')) as object);
}

function withReplicas(service: Service): Service {
  const { scale } = service;
  if (scale === undefined) return service;
  const replicas: Setting = {
    name: 'replicas',
    type: 'integer',
    default: 1,
    minimum: 1,
    maximum: 64,
    help: `How many containers '${scale}' share the requests.`,
  };
  return {
    ...service,
    settings: [...(service.settings ?? []), replicas],
    ...(service.flavours && {
      flavours: service.flavours.map((flavour) =>
        flavour.settings ? { ...flavour, settings: [...flavour.settings, replicas] } : flavour,
      ),
    }),
  };
}

/** Volumes of a service with state that its state does not name. */
function unnamedVolumes({ state, compose, wiring = [] }: Service): string[] {
  const volumes = [compose, ...wiring.map((part) => part.compose)].flatMap((part) =>
    Object.keys(part?.volumes ?? {}),
  );
  return state ? volumes.filter((name) => !state.some(({ volume }) => volume === name)) : [];
}

/** The choice among packagings is a setting like others. */
function withFlavours(service: Service): Service {
  const { flavour, flavours, settings = [] } = service;
  if (flavour === undefined || !flavours) return service;
  const setting: Setting = {
    name: 'flavour',
    type: 'choice',
    default: flavour,
    choices: [flavour, ...flavours.map(({ id }) => id)],
    help: `The packaging: ${flavours.map(({ id, summary }) => `${id}: ${summary}`).join(' ')}`,
  };
  return {
    ...service,
    settings: [setting, ...settings],
    flavours: flavours.map((other) =>
      other.settings ? { ...other, settings: [setting, ...other.settings] } : other,
    ),
  };
}

function listYaml(folder: string, problems: Problem[]): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    problems.push({
      file: folder,
      message: `cannot be read: ${(error as Error).message}`,
      remedy: 'Give --catalog a folder with service files.',
    });
    return [];
  }
}
