/** `--start`: the adapters of another run, from which training goes on. The reference stays the model without them. */
import { IdiolectError } from '../common/errors.ts';
import { exists } from '../common/files.ts';
import { printable } from '../common/printable.ts';
import { readAdapter } from '../model/adapter.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import { type LoraConfig, type LoraMatrices, matrixShapes } from '../model/lora.ts';
import { RunFolder } from './run-folder.ts';
import { NOT_IDENTITY } from './settings.ts';

/**
 * Equal for runs whose adapters are equal, wherever they lie.
 *
 * @throws IdiolectError CONFIG where there is no such run, or one on another model
 */
export async function startFingerprint(run: string, { folder, fingerprint }: Checkpoint): Promise<string> {
  const started = new RunFolder(run);
  const record = await started.read();
  if (!record) throw new IdiolectError('CONFIG', `--start: ${run} is not a run folder; it has no run.json.`);
  if (record.sources.model !== fingerprint) {
    throw new IdiolectError('CONFIG', `--start: ${run} was trained on another model than ${folder}.`);
  }
  return started.identity(NOT_IDENTITY);
}

/**
 * The matrices of a user's adapter in another run.
 *
 * @throws IdiolectError CONFIG where the run has no adapter for the user, or one of other LoRA settings; ADAPTER for a
 *   damaged one
 */
export async function startMatrices(
  run: string,
  user: string,
  lora: LoraConfig,
  checkpoint: Checkpoint,
): Promise<LoraMatrices> {
  const adapter = new RunFolder(run).adapterOf(user);
  if (!(await exists(adapter))) {
    const name = JSON.stringify(printable(user));
    throw new IdiolectError(
      'CONFIG',
      `--start: ${run} has no adapter for ${name}. Give --users only users it has, and train ${name} in another --out without --start.`,
    );
  }
  const { config, matrices } = await readAdapter(adapter, checkpoint);
  const shapeOf = ({ rank, loraAlpha, rslora }: LoraConfig) => JSON.stringify([rank, loraAlpha, rslora]);
  const names = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name).join();
  const isSame = shapeOf(config) === shapeOf(lora) && names(matrices) === names(matrixShapes(lora, checkpoint.linears));
  if (isSame) return matrices;
  throw new IdiolectError('CONFIG', `--start: ${adapter} has other LoRA settings than this run. Give both the same.`);
}
