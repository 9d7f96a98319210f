import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import { packageRoot } from '../../catalog/load.js';

/** The countries of Natural Earth as SQL that makes gis.countries. */
export function countriesSql(): string {
  const require = createRequire(import.meta.url);
  const atlas = JSON.parse(
    readFileSync(require.resolve('world-atlas/countries-110m.json'), 'utf8'),
  ) as Topology;
  const { features } = feature(atlas, atlas.objects.countries as GeometryCollection<{ name: string }>);
  const rows = features.map(
    ({ properties, geometry }) =>
      `('${properties.name.replaceAll("'", "''")}', ST_SetSRID(ST_Multi(ST_GeomFromGeoJSON('${JSON.stringify(geometry)}')), 4326))`,
  );
  return `CREATE TABLE gis.countries (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, geom geometry(MultiPolygon, 4326));
INSERT INTO gis.countries (name, geom) VALUES ${rows.join(',\n')};`;
}

/** Writes the project `atlas` into a stack: the starter project, with its layer read from the database instead of the file. */
export function writeAtlas(stack: string): void {
  const folder = join(stack, 'services/qgis-server/projects/atlas');
  mkdirSync(folder);
  const starter = readFileSync(
    join(packageRoot(), 'templates/services/qgis-server/projects/world/world.qgs'),
    'utf8',
  );
  writeFileSync(
    join(folder, 'atlas.qgs'),
    starter
      .replace(
        '<datasource>./countries.geojson</datasource>',
        `<datasource>service='gis' key='id' srid=4326 type=MultiPolygon table="gis"."countries" (geom)</datasource>`,
      )
      .replace('<provider encoding="UTF-8">ogr</provider>', '<provider encoding="UTF-8">postgres</provider>')
      .replace('providerKey="ogr"', 'providerKey="postgres"'),
  );
}
