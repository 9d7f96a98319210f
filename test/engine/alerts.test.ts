import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { loadCatalog } from '../../catalog/load.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import { emptyFolder, run, type Ran } from '../run.js';
import { choosable, compatible, domainsFor, makeStack } from '../stacks.js';

const catalog = loadCatalog();
const folder = emptyFolder();
const inside = (...command: string[]): Ran =>
  run(
    'docker',
    [
      'run',
      '--rm',
      '--network',
      'none',
      '-v',
      `${folder}:/rules`,
      '-w',
      '/rules',
      'osgs-standin-promtool:trixie',
      ...command,
    ],
    { timeout: 110_000 },
  );

beforeAll(() => {
  const services = compatible(choosable(catalog), catalog);
  const { rendered } = makeStack(
    {
      name: 'alerts',
      services,
      domains: domainsFor(services, catalog),
      tls: 'self-signed',
      expose: {},
      settings: { prometheus: { mail: true, mail_server: 'mail.example.org', mail_to: 'gis@example.org' } },
    },
    catalog,
    loadTemplates(catalog),
  );
  for (const name of ['alerts.yml', 'alertmanager.yml'])
    writeFileSync(join(folder, name), rendered.files.get(`services/prometheus/${name}`)?.content ?? '');
  mkdirSync(join(folder, 'run'));
});

test('the rules of the whole catalogue are rules, and so is who is told', () => {
  expect(inside('promtool', 'check', 'rules', '--lint-fatal', 'alerts.yml')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/SUCCESS: \d{2} rules found/) as unknown,
  });
  expect(inside('amtool', 'check-config', 'alertmanager.yml')).toMatchObject({ code: 0 });
});

/** What is seen at each step, and from which minute on which alert is raised; before it there is none. */
const cases: {
  alert: string;
  series: string;
  values: string;
  raised: number;
  quiet: number;
  also?: [string, string][];
}[] = [
  {
    alert: 'ServiceDown',
    series: 'probe_success{service="geoserver"}',
    values: '1x10 0x50',
    quiet: 14,
    raised: 18,
  },
  {
    alert: 'ServiceComesAndGoes',
    series: 'probe_success{service="martin"}',
    values: '1x30 0 1 0 1 0 1 0 1x30',
    quiet: 30,
    raised: 40,
  },
  {
    alert: 'CertificateEnds',
    series: 'probe_ssl_earliest_cert_expiry{host="gis.example.org"}',
    values: `${10 * 86400 + 1800}x200`,
    quiet: 60,
    raised: 100,
  },
  {
    alert: 'ContainerRestarts',
    series: 'process_start_time_seconds{job="martin"}',
    values: '1x10 2x5 3x5 4x20',
    quiet: 15,
    raised: 25,
  },
  {
    alert: 'HostDiskFull',
    series: 'node_filesystem_avail_bytes{mountpoint="/"}',
    values: '20x10 9x60',
    quiet: 20,
    raised: 30,
    also: [['node_filesystem_size_bytes{mountpoint="/"}', '100x100']],
  },
  { alert: 'HostOutOfMemory', series: 'node_vmstat_oom_kill', values: '3x20 4x5', quiet: 20, raised: 22 },
  { alert: 'PostgisDown', series: 'pg_up', values: '1x10 0x20', quiet: 12, raised: 16 },
  {
    alert: 'PostgisConnections',
    series: 'pg_stat_database_numbackends{datname="gis"}',
    values: '80x10 86x30',
    quiet: 15,
    raised: 25,
    also: [['pg_settings_max_connections', '100x60']],
  },
  { alert: 'BackupFailed', series: 'osgs_backup_last_run_success', values: '1x10 0x5', quiet: 9, raised: 12 },
  {
    alert: 'BackupTooOld',
    series: 'osgs_backup_last_success_timestamp_seconds',
    values: '0x300',
    quiet: 2880,
    raised: 2900,
  },
  { alert: 'BackupMissing', series: 'up{job="host"}', values: '1x300', quiet: 2870, raised: 2900 },
  {
    alert: 'NightlyTooOld',
    series: 'osgs_nightly_last_success_timestamp_seconds',
    values: '0x300',
    quiet: 2880,
    raised: 2900,
  },
];

test.each(cases.map((one): [string, (typeof cases)[number]] => [one.alert, one]))(
  '%s is raised when it is true, and not before',
  (alert, { series, values, raised, quiet, also = [] }) => {
    // Days are seen in steps of ten minutes.
    const step = raised > 1000 ? '10m' : '1m';
    const file = stringify({
      rule_files: ['alerts.yml'],
      evaluation_interval: step,
      tests: [
        {
          interval: step,
          input_series: [[series, values], ...also].map(([name, seen]) => ({ series: name, values: seen })),
          // Which alerts there are, without their texts.
          promql_expr_test: [
            { at: quiet, samples: [] },
            { at: raised, samples: [{ labels: `{alertname="${alert}"}`, value: 1 }] },
          ].map(({ at, samples }) => ({
            expr: `count by (alertname) (ALERTS{alertname="${alert}",alertstate="firing"})`,
            eval_time: `${at}m`,
            exp_samples: samples,
          })),
        },
      ],
    });
    writeFileSync(join(folder, 'test.yml'), file);
    const { code, stdout, stderr } = inside('promtool', 'test', 'rules', 'test.yml');
    expect({ code, said: stdout + stderr }).toEqual({
      code: 0,
      said: expect.stringContaining('SUCCESS') as unknown,
    });
  },
);
