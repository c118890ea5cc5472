/** `start`: the adapters of another run, from which training continues. The reference stays the model without them. */

import { IdiolectError } from '../common/errors.ts';
import { sha256, sha256OfFile } from '../common/files.ts';
import { printable } from '../common/printable.ts';
import { setting } from '../common/wording.ts';
import { readAdapter } from '../model/adapter.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import { type LoraConfig, type LoraMatrices, matrixShapes } from '../model/lora.ts';
import { RunFolder } from './run-folder.ts';
import { TEXTS } from './run-progress.ts';
import type { RunSources } from './run-record.ts';
import { NOT_IDENTITY } from './settings.ts';

/**
 * Equal for runs that train the same adapters from the same texts, wherever they are.
 *
 * @throws IdiolectError CONFIG where there is no such run, or one on another model
 */
export async function startFingerprint(run: string, { folder, fingerprint }: Checkpoint): Promise<string> {
  const started = new RunFolder(run);
  const record = await started.read();
  if (!record)
    throw new IdiolectError('CONFIG', `${setting('start')}: ${run} is not a run folder; it has no run.json.`);
  if (record.sources.model !== fingerprint) {
    throw new IdiolectError('CONFIG', `${setting('start')}: ${run} was trained on another model than ${folder}.`);
  }
  return started.identity(NOT_IDENTITY, TEXTS);
}

/**
 * Fingerprints of the adapters of these users in another run; a user who has none there trains a fresh one.
 *
 * @throws IdiolectError CONFIG where none of the users to be trained has one
 */
export async function startAdapters(
  run: string,
  all: Iterable<string>,
  trained: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const folder = new RunFolder(run);
  const found = new Map<string, string>();
  for (const user of all) {
    if (await folder.hasAdapter(user)) found.set(user, await sha256OfFile(folder.weightsOf(user)));
  }
  if (trained.some(user => found.has(user))) return found;
  throw new IdiolectError(
    'CONFIG',
    `${setting('start')}: ${run} has no adapter for ${trained.length === 1 ? '' : 'any of the users to be trained, such as '}` +
      `"${printable(trained[0]!)}". Name the run that has one, or leave ${setting('start')} out.`,
  );
}

/** One fingerprint of all of them, for the record of the run. */
export function startSource(adapters: ReadonlyMap<string, string>): Pick<RunSources, 'startAdapters'> {
  return { startAdapters: sha256(JSON.stringify([...adapters].sort())) };
}

/**
 * The matrices of a user's adapter in another run; undefined where the user has none there.
 *
 * @throws IdiolectError CONFIG for an adapter with other LoRA settings; ADAPTER for a damaged one
 */
export async function startMatrices(
  run: string,
  user: string,
  lora: LoraConfig,
  checkpoint: Checkpoint,
): Promise<LoraMatrices | undefined> {
  const folder = new RunFolder(run);
  if (!(await folder.hasAdapter(user))) return undefined;
  const adapter = folder.adapterOf(user);
  const { config, matrices } = await readAdapter(adapter, checkpoint);
  const shapeOf = ({ rank, loraAlpha, rslora }: LoraConfig) => JSON.stringify([rank, loraAlpha, rslora]);
  const names = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name).join();
  const isSame = shapeOf(config) === shapeOf(lora) && names(matrices) === names(matrixShapes(lora, checkpoint.linears));
  if (isSame) return matrices;
  throw new IdiolectError(
    'CONFIG',
    `${setting('start')}: ${adapter} has other LoRA settings than this run. Give both the same.`,
  );
}
