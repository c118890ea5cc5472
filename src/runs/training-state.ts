/** The state of a training, in one file: the trained matrices, optimiser moments, objective state and step. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { unlessDamaged } from '../common/damage.ts';
import { IdiolectError } from '../common/errors.ts';
import { exists } from '../common/files.ts';
import type { LoraMatrix } from '../model/lora.ts';
import { type NamedTensor, readFloats, readHeader, readMetadata, writeSafetensors } from '../model/safetensors.ts';
import type { ObjectiveState } from '../objectives/objective.ts';
import type { AdamWState } from '../training/adamw.ts';

const FILE = 'checkpoint.safetensors';
const stateSchema = z.object({
  /** Identifies the training it belongs to, by its settings and data. */
  training: z.string(),
  step: z.int().nonnegative(),
  updates: z.int().nonnegative(),
  objective: z.record(z.string(), z.number()),
});

/** Progress on LoRA matrices, or on the whole weights of a model. */
export interface SavedProgress<T extends NamedTensor = LoraMatrix> {
  /** Steps done. */
  readonly step: number;
  readonly state: {
    readonly matrices: readonly T[];
    readonly optimizer: AdamWState;
    readonly objective: ObjectiveState;
  };
}

/** Writes the state in one atomic step. */
export async function saveState(
  folder: string,
  training: string,
  { step, state }: SavedProgress<NamedTensor>,
): Promise<void> {
  const { matrices, optimizer, objective } = state;
  const moment = (name: string, data: readonly Float32Array[]): NamedTensor[] =>
    matrices.map((matrix, i) => ({ name: `${name}.${matrix.name}`, shape: matrix.shape, data: data[i]! }));
  await writeSafetensors(
    join(folder, FILE),
    [...matrices, ...moment('first', optimizer.first), ...moment('second', optimizer.second)],
    {
      state: JSON.stringify({ training, step, updates: optimizer.step, objective } satisfies z.infer<
        typeof stateSchema
      >),
    },
  );
}

/** What a checkpoint must match to be used. */
export interface Expected<T extends NamedTensor> {
  readonly training: string;
  /** Names and shapes. */
  readonly template: readonly T[];
  /** Gets a sentence about a damaged checkpoint. */
  readonly onNotice: (message: string) => void;
}

/**
 * Reads the state back. A damaged one is treated as missing: training from the first step gives the same adapter.
 *
 * @returns null where there is none
 * @throws IdiolectError CHECKPOINT for the checkpoint of another training, which would give another adapter
 */
export async function loadState<T extends NamedTensor>(
  folder: string,
  { training, template, onNotice }: Expected<T>,
): Promise<SavedProgress<T> | null> {
  const file = join(folder, FILE);
  if (!(await exists(file))) return null;
  const saved = await unlessDamaged(stateIn(file));
  if (saved && saved.training !== training) {
    throw new IdiolectError(
      'CHECKPOINT',
      `${file} is from another training: its settings, its data or its user are not those of this run. ` +
        `Move it back to where it belongs; without ${folder}, training starts from the first step.`,
    );
  }
  const tensors = saved && (await unlessDamaged(tensorsIn(file, template)));
  if (!tensors) {
    onNotice(`the checkpoint ${file} is damaged; training starts from the first step again`);
    return null;
  }
  const { step, updates, objective } = saved;
  const { matrices, first, second } = tensors;
  return { step, state: { matrices, optimizer: { step: updates, first, second }, objective } };
}

async function stateIn(file: string): Promise<z.infer<typeof stateSchema> | null> {
  const { state = 'null' } = await readMetadata(file);
  try {
    return stateSchema.parse(JSON.parse(state));
  } catch {
    return null;
  }
}

async function tensorsIn<T extends NamedTensor>(file: string, template: readonly T[]) {
  const entries = await readHeader(file);
  const read = (prefix: string) =>
    Promise.all(
      template.map(async ({ name, shape }) => {
        const entry = entries.get(prefix + name);
        const data = entry?.shape.join() === shape.join() ? await readFloats(entry) : undefined;
        return data?.every(Number.isFinite) ? data : null;
      }),
    );
  const [data, first, second] = await Promise.all([read(''), read('first.'), read('second.')]);
  const isWhole = (all: (Float32Array | null)[]): all is Float32Array[] => !all.includes(null);
  if (!isWhole(data) || !isWhole(first) || !isWhole(second)) return null;
  return { matrices: template.map((tensor, i) => ({ ...tensor, data: data[i]! })), first, second };
}

export async function removeState(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
