/** What a task fixes reaches the histories a comparison reads. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { resolveSettings } from '../../common/settings.ts';
import { collect, readHistories } from '../../histories/index.ts';
import { compareSchema, settingsOfTask } from './task-settings.ts';

const OPENING = 'Generate a title for the following abstract of a paper: ';
const words = (count: number) => Array.from({ length: count }, (_, i) => `w${i}`).join(' ');

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-task-settings-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('cuts what is learned from and what is asked to 768 words, and never a reference', async () => {
  const profile = [{ id: 'p', title: words(800), abstract: words(900), date: '2020-01-01' }];
  const questions = join(folder, 'train_questions.json');
  await writeFile(questions, JSON.stringify([{ id: 'q', user_id: 'ada', input: OPENING + words(900), profile }]));
  const golds = [{ id: 'q', output: words(800) }];
  await writeFile(join(folder, 'train_outputs.json'), JSON.stringify({ task: 'LaMP_5', golds }));
  const given = { model: 'x', data: questions, out: join(folder, 'out'), task: 'lamp-5', targetUsers: 1 };
  const { settings } = await settingsOfTask(resolveSettings(compareSchema, [{ origin: 'test', values: given }]), {
    folder,
    onNotice: () => {},
    onRecord: () => {},
  });
  const [train, query] = await collect(readHistories(settings.values.data));
  expect([train!.split, query!.split]).toEqual(['train', 'query']);
  // The ten words of the instruction count, as they stand in what the benchmarks cut.
  for (const { input } of [train!, query!]) expect(input).toBe(OPENING + words(758));
  expect(train!.output).toBe(words(768));
  expect(query!.output).toBe(words(800));
});
