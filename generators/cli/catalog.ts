import { ownCatalog } from '../../catalog/own.js';
import type { Catalog } from '../../catalog/service.js';

/** The catalogue with the folders of `--catalog`. What reads and checks YAML is loaded only where there are some. */
export async function catalogWith(folders: string[]): Promise<Catalog> {
  if (folders.length === 0) return ownCatalog();
  const { loadCatalog } = await import('../../catalog/load.js');
  return loadCatalog(folders);
}
