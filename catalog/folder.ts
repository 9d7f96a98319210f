import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Problem } from '../generators/stack/problem.js';
import { readYaml } from '../generators/stack/yaml-file.js';
import type { CatalogService, Preset, Service, Setting } from './service.js';
import { validatePreset, validateService } from './validate.js';

/** Reads every service file of a folder into `services`. What is wrong in any of them goes to `problems`. */
export function readServices(
  folder: string,
  services: Map<string, CatalogService>,
  problems: Problem[],
  templates?: string,
): void {
  for (const file of listYaml(folder, problems)) {
    const yaml = readYaml(readFileSync(file, 'utf8'), file, validateService);
    problems.push(...yaml.problems);
    if (yaml.problems.length > 0) continue;
    const service = yaml.data as Service;
    if (`${service.id}.yaml` !== basename(file)) {
      problems.push(yaml.at(['id'], `the file of service '${service.id}' must be called ${service.id}.yaml`));
    }
    for (const volume of unnamedVolumes(service))
      problems.push(
        yaml.at(
          ['state'],
          `no entry says how the volume '${volume}' is backed up`,
          `Add { volume: ${volume} } with stop: true where its program must stand still, or skip: with the reason.`,
        ),
      );
    (service.data ?? []).forEach(({ folder }, index) => {
      if (folder !== undefined && !folder.startsWith(`services/${service.id}/`))
        problems.push(
          yaml.at(
            ['data', index, 'folder'],
            `the folder '${folder}' is not one of this service`,
            `Declare a folder below services/${service.id}/, or move the entry to the service that has the folder.`,
          ),
        );
    });
    services.set(service.id, {
      ...withReplicas(withFlavours(service)),
      file,
      ...(templates === undefined ? {} : { templates: join(templates, service.id) }),
    });
  }
}

/** Reads every preset of a folder that may be absent into `presets`. */
export function readPresets(
  folder: string,
  presets: Map<string, Preset>,
  services: ReadonlyMap<string, unknown>,
  problems: Problem[],
): void {
  if (!existsSync(folder)) return;
  for (const file of listYaml(folder, problems)) {
    const preset = readPreset(file, services, problems);
    if (preset) presets.set(preset.id, preset);
  }
}

function readPreset(
  file: string,
  services: ReadonlyMap<string, unknown>,
  problems: Problem[],
): Preset | undefined {
  const yaml = readYaml(readFileSync(file, 'utf8'), file, validatePreset);
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

function withReplicas(service: Service): Service {
  const { scale } = service;
  if (scale === undefined) return service;
  const replicas: Setting = {
    name: 'replicas',
    type: 'integer',
    default: 1,
    minimum: 1,
    // Both ends of a connection may be several, and a network has 29 addresses for containers.
    maximum: 12,
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
