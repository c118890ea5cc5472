/** The task adaptation of a comparison, as a run of `adapt`. */
import { join } from 'node:path';
import { childSettings, type Resolved } from '../../common/settings.ts';
import { type AdaptSettings, adaptSchema } from '../adapt/adapt-settings.ts';
import type { ClosedSettings } from './task-settings.ts';

/** Rank, layers and optimiser of the adaptation are its own: a comparison's are those of the users' adapters. */
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
export function adaptationSettings(parent: Resolved<ClosedSettings>, targetUsers: string): Resolved<AdaptSettings> {
  const { taskEpochs: epochs, taskRate: lr, taskRecords: maxRecords, out } = parent.values;
  const values = { targetUsers, out: join(out, 'task'), epochs, lr, maxRecords };
  return childSettings(adaptSchema, parent, {
    origin: 'comparison',
    keys: SHARED,
    layers: [{ origin: 'comparison', values }],
  });
}
