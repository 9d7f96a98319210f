/** In the order of the blocks in compose.yaml and of the wizard's groups. */
export const categories = [
  'proxy',
  'database',
  'map server',
  'tiles',
  'web map',
  'api',
  'metadata',
  'sensors',
  'field data',
  'openstreetmap',
  'imagery',
  'analysis',
  'files',
  'site',
  'access',
  'operations',
];
