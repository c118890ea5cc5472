/** The task adaptation of a comparison, as a run of `adapt`. */
import { join } from 'node:path';
import { type Resolved, resolveSettings } from '../../common/settings.ts';
import { type AdaptSettings, adaptSchema } from '../adapt/adapt-settings.ts';
import type { ClosedSettings } from './task-settings.ts';

const SHARED = [
  'model',
  'baseName',
  'data',
  'template',
  'chat',
  'promptDate',
  'maxLength',
  'queryShare',
  'skipBad',
  'microBatchTokens',
  'seed',
  'cache',
  'device',
  'threads',
] as const;

/** @param targetUsers the file that says who is evaluated or chosen on, and so kept out */
export function adaptationSettings(settings: ClosedSettings, targetUsers: string): Resolved<AdaptSettings> {
  const { taskEpochs: epochs, taskRate: lr, taskRecords: maxRecords, out } = settings;
  const shared = Object.fromEntries(SHARED.map(key => [key, settings[key]]));
  const values = { ...shared, targetUsers, out: join(out, 'task'), epochs, lr, maxRecords };
  return resolveSettings(adaptSchema, [{ origin: 'comparison', values }]);
}
