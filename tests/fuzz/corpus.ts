/** What takes long to make is made once: a tiny model, histories, a run that ended and one that was stopped. */
import { join } from 'node:path';
import { habitualHistories } from '../../examples/habits.ts';
import { writeTinyBackbone } from '../../examples/tiny-backbone.ts';
import { writeHistories } from '../../src/histories/index.ts';
import { resolveSettings, type TrainEvent, train, trainSchema } from '../../src/index.ts';

export const MODEL = 'model';
export const DATA = 'histories.jsonl';
export const RUN = 'run';
export const STOPPED = 'stopped';

/** @param withRuns leave them out where no kind reads them: they take some seconds */
export async function writeCorpus(folder: string, withRuns: boolean): Promise<void> {
  await writeTinyBackbone(join(folder, MODEL));
  await writeHistories(join(folder, DATA), habitualHistories(5));
  if (!withRuns) return;
  await run(folder, RUN);
  const stop = new AbortController();
  const onEvent = (event: TrainEvent) => event.type === 'step' && event.step === 2 && stop.abort();
  await run(folder, STOPPED, onEvent, stop.signal).catch(error => {
    if (!stop.signal.aborted) throw error;
  });
}

function run(folder: string, out: string, onEvent?: (event: TrainEvent) => void, signal?: AbortSignal) {
  const paths = {
    model: join(folder, MODEL),
    data: join(folder, DATA),
    cache: join(folder, 'cache'),
    out: join(folder, out),
  };
  const values = { ...paths, epochs: 1, saveEvery: 1, klEvery: 0, threads: 1, rank: 2 };
  return train(resolveSettings(trainSchema, [{ origin: 'corpus', values }]), { version: 'fuzz', onEvent, signal });
}
