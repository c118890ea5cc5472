/** The state of a training, in one file: what is trained, optimiser moments, objective state and the step. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { exists } from '../common/files.ts';
import type { LoraMatrix } from '../model/lora.ts';
import { type NamedTensor, readFloats, readHeader, readMetadata, writeSafetensors } from '../model/safetensors.ts';
import type { ObjectiveState } from '../objectives/objective.ts';
import type { AdamWState } from './adamw.ts';

const FILE = 'checkpoint.safetensors';
const stateSchema = z.object({ step: z.int(), updates: z.int(), objective: z.record(z.string(), z.number()) });

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
export async function saveCheckpoint(folder: string, { step, state }: SavedProgress<NamedTensor>): Promise<void> {
  const { matrices, optimizer, objective } = state;
  const moment = (name: string, data: readonly Float32Array[]): NamedTensor[] =>
    matrices.map((matrix, i) => ({ name: `${name}.${matrix.name}`, shape: matrix.shape, data: data[i]! }));
  await writeSafetensors(
    join(folder, FILE),
    [...matrices, ...moment('first', optimizer.first), ...moment('second', optimizer.second)],
    { state: JSON.stringify({ step, updates: optimizer.step, objective } satisfies z.infer<typeof stateSchema>) },
  );
}

/** Reads the state back, or null where there is none; `template` gives the names and shapes to expect. */
export async function loadCheckpoint<T extends NamedTensor>(
  folder: string,
  template: readonly T[],
): Promise<SavedProgress<T> | null> {
  const file = join(folder, FILE);
  if (!(await exists(file))) return null;
  const entries = await readHeader(file);
  const { step, updates, objective } = stateSchema.parse(JSON.parse((await readMetadata(file)).state ?? 'null'));
  const read = (prefix: string) =>
    Promise.all(
      template.map(async ({ name, shape }) => {
        const entry = entries.get(prefix + name);
        if (entry?.shape.join() === shape.join()) return readFloats(entry);
        throw new IdiolectError('CHECKPOINT', `${file} does not fit this run; delete it to train from the start.`);
      }),
    );
  const [data, first, second] = await Promise.all([read(''), read('first.'), read('second.')]);
  return {
    step,
    state: {
      matrices: template.map((tensor, i) => ({ ...tensor, data: data[i]! })),
      optimizer: { step: updates, first, second },
      objective,
    },
  };
}

export async function removeCheckpoint(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
