import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadCatalog, packageRoot } from '../../catalog/load.js';
import type { CatalogService, Hardening } from '../../catalog/service.js';
import { loadMeasured, privilegesPage } from '../../catalog/privileges.js';
import { variations } from '../../catalog/variations.js';
import { secretFiles, secretVariables, type ContainerBlock } from '../../generators/stack/compose.js';
import type { Stack } from '../../generators/stack/stack.js';

const catalog = loadCatalog();
const stacks = variations(catalog);

interface Seen extends ContainerBlock {
  stack: Stack;
  hardening: Hardening;
}
const containers: Seen[] = stacks.flatMap(({ stack, containers: blocks }) =>
  blocks.map((block) => ({ ...block, stack, hardening: block.service.hardening?.[block.name] ?? {} })),
);

/** The containers that break a rule, each once, with what breaks it. */
function broken(rule: (container: Seen) => unknown): string[] {
  const found = containers.flatMap((container) => {
    const wrong = rule(container);
    if (wrong === undefined || wrong === false || (Array.isArray(wrong) && wrong.length === 0)) return [];
    return `${container.service.id}: ${container.name}: ${wrong === true ? '' : JSON.stringify(wrong)}`;
  });
  return [...new Set(found)];
}

const list = (value: unknown): string[] => (Array.isArray(value) ? (value as string[]) : []);

test('every packaging, every container and every wiring of the catalogue is in one of the stacks that are looked at', () => {
  for (const { id, flavour, flavours = [], always } of catalog.values()) {
    const packagings = new Set(
      stacks.flatMap(({ stack }) =>
        stack.services.filter((one) => one.id === id).map(({ image }) => image.name),
      ),
    );
    const expected = new Set([catalog.get(id)?.image.name, ...flavours.map(({ image }) => image.name)]);
    expect({ id, flavour, always, packagings }).toEqual({ id, flavour, always, packagings: expected });
  }
  const seen = new Set(containers.map(({ name }) => name));
  const written = [...catalog.values()].flatMap((service) =>
    [service, ...(service.flavours ?? [])].flatMap(({ compose, wiring }) =>
      [compose, ...(wiring ?? []).map((one) => one.compose)].flatMap((part) =>
        Object.keys(part?.services ?? {}),
      ),
    ),
  );
  expect([...new Set(written)].filter((name) => !seen.has(name))).toEqual([]);
});

test('catalog/PRIVILEGES.md is current: npm run catalog writes it', () => {
  const page = readFileSync(join(packageRoot(), 'catalog/PRIVILEGES.md'), 'utf8');
  expect(page).toBe(privilegesPage(catalog, loadMeasured()));
});

describe('no container is at the defaults of Docker without a reason in its service file', () => {
  test('none takes back what the base closes', () => {
    const base = [
      'cap_drop',
      'security_opt',
      'logging',
      'init',
      'privileged',
      'pid',
      'ipc',
      'devices',
      'userns_mode',
    ];
    expect(broken(({ definition }) => base.filter((key) => key in definition))).toEqual([]);
  });

  test('one that starts as root says why, and any other says as whom it runs', () => {
    expect(
      broken(({ definition: { user }, hardening }) => {
        const name = typeof user === 'string' ? user.split(':')[0] : undefined;
        if (name === 'root' || name === '0') return !hardening.root;
        return name === undefined
          ? !hardening.root && !hardening.user
          : Boolean(hardening.root ?? hardening.user);
      }),
    ).toEqual([]);
  });

  test('a capability has a reason, and is none that Docker would not give by itself', () => {
    const usual = [
      'AUDIT_WRITE',
      'CHOWN',
      'DAC_OVERRIDE',
      'FOWNER',
      'FSETID',
      'KILL',
      'SETGID',
      'SETUID',
      'SYS_CHROOT',
    ];
    const rule = ({ definition, hardening }: Seen): unknown => {
      const added = list(definition.cap_add);
      if (added.length > 0 !== Boolean(hardening.capabilities))
        return { added, reason: hardening.capabilities };
      return added.filter((name) => !usual.includes(name));
    };
    expect(broken(rule)).toEqual([]);
  });

  test('one whose root is writable says why', () => {
    expect(
      broken(({ definition, hardening }) => (definition.read_only === false) !== Boolean(hardening.writable)),
    ).toEqual([]);
  });

  test('every one has a limit of memory that .env can change, and one of processes', () => {
    const rule = ({ definition }: Seen): boolean => {
      const { limits } = (definition.deploy as { resources: { limits: { memory: string; pids: number } } })
        .resources;
      return (
        !/^\$\{[A-Z0-9_]+_MEMORY:-\d+[MG]\}$/.test(limits.memory) || !(limits.pids > 0 && limits.pids <= 8192)
      );
    };
    expect(broken(rule)).toEqual([]);
  });

  test('nothing of the host is mounted but this repository, or it says what and why', () => {
    const rule = ({ definition, hardening }: Seen): unknown => {
      const foreign = list(definition.volumes).filter((volume) => !/^(\.\/|[a-z][a-z0-9-]*:)/.test(volume));
      return foreign.length > 0 === Boolean(hardening.host) ? [] : foreign;
    };
    expect(broken(rule)).toEqual([]);
    // Docker's socket is root on the host: no network leads to whom it is mounted.
    const socket = containers.filter(({ definition }) =>
      list(definition.volumes).some((text) => /docker\.sock/.test(text)),
    );
    expect(socket.length).toBeGreaterThan(0);
    expect(socket.filter(({ definition }) => definition.network_mode !== 'none')).toEqual([]);
  });
});

describe('secrets', () => {
  const owner = ({ stack }: Seen, variable: string): CatalogService | undefined =>
    stack.settings.find((setting) => setting.variable === variable)?.service;
  /** Whether a service's own file puts its secret into that container. */
  const gives = (service: CatalogService | undefined, container: string, variable: string): boolean =>
    [service?.compose, ...(service?.wiring ?? []).map(({ compose }) => compose)].some((part) =>
      JSON.stringify(part?.services?.[container] ?? '').includes(variable),
    );

  test('a container sees no secret of another service but what that one gives it, or says why it takes it', () => {
    const rule = (container: Seen): unknown => {
      const { definition, name, service, hardening } = container;
      const foreign = [...secretFiles(definition), ...secretVariables(definition)].filter((variable) => {
        const other = owner(container, variable);
        return other?.id !== service.id && !gives(other, name, variable);
      });
      return hardening.secrets ? [] : foreign;
    };
    expect(broken(rule)).toEqual([]);
  });

  test('a reason for a secret of another service stands where there is one', () => {
    const reasons = [...catalog.values()].flatMap(({ id, hardening = {} }) =>
      Object.entries(hardening).flatMap(([name, { secrets }]) => (secrets ? `${id}: ${name}` : [])),
    );
    const needed = containers
      .filter((container) =>
        [...secretFiles(container.definition), ...secretVariables(container.definition)].some(
          (variable) => owner(container, variable)?.id !== container.service.id,
        ),
      )
      .map(({ service, name }) => `${service.id}: ${name}`);
    expect(reasons.filter((reason) => !needed.includes(reason))).toEqual([]);
  });

  test('what a container reads as a file is no variable of it as well', () => {
    const rule = ({ definition }: Seen): string[] => {
      const variables = secretVariables(definition);
      return secretFiles(definition).filter((name) => variables.includes(name));
    };
    expect(broken(rule)).toEqual([]);
  });
});
