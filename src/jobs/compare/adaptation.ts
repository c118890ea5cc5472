/** The task adaptation of a comparison, as a run of `adapt`. */
import { join } from 'node:path';
import { childSettings, type Resolved } from '../../common/settings.ts';
import { type AdaptSettings, adaptSchema } from '../adapt/adapt-settings.ts';
import type { ClosedSettings } from './task-settings.ts';

/** The adaptation has its own rank, layers and optimiser; those of the comparison are for the users' adapters. */
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

/** @param targetUsers the file of the users to leave out: those evaluated, and those hyper-parameters are chosen on */
export function adaptationSettings(parent: Resolved<ClosedSettings>, targetUsers: string): Resolved<AdaptSettings> {
  const { taskEpochs: epochs, taskRate: lr, taskRecords: maxRecords, out } = parent.values;
  const values = { targetUsers, out: join(out, 'task'), epochs, lr, maxRecords };
  return childSettings(adaptSchema, parent, {
    origin: 'comparison',
    keys: SHARED,
    layers: [{ origin: 'comparison', values }],
  });
}
