import type { CatalogService, Condition } from '../../catalog/service.js';
import { gateKind } from './access.js';
import type { SettingValue } from './answers.js';
import type { ResolvedSetting, Stack } from './stack.js';

/** Whether a part of `service` applies among these services and settings. */
export function applies(
  condition: Condition,
  service: CatalogService,
  stack: Pick<Stack, 'services' | 'settings' | 'tls' | 'gate'>,
): boolean {
  const has = (id: string): boolean => stack.services.some((other) => other.id === id);
  const all = (ids: string | string[] = []): string[] => (typeof ids === 'string' ? [ids] : ids);
  if (!all(condition.with).every(has) || all(condition.without).some(has)) return false;
  if (condition.tls !== undefined && !all(condition.tls).some((mode) => mode === stack.tls)) return false;
  if (condition.gate !== undefined && condition.gate !== gateKind(stack.gate)) return false;
  if (condition.first_account && !stack.services.some(closedAtFirst)) return false;
  if (condition.setting === undefined) return true;
  const [name = '', wanted = 'true'] = condition.setting.split(/=(.*)/s);
  return String(settingValue(stack.settings, service.id, name)) === wanted;
}

/** Whether nginx refuses the routes of a service until its administrator exists. */
export function closedAtFirst(service: Pick<CatalogService, 'first_account'>): boolean {
  return service.first_account?.ask !== undefined;
}

export function settingValue(
  settings: ResolvedSetting[],
  service: string,
  name: string,
): SettingValue | undefined {
  return settings.find((setting) => setting.service.id === service && setting.definition.name === name)
    ?.value;
}
