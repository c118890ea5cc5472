/** What stands before a request gives way where the whole would be too long; the request never does. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Workspace, workspace } from '../../../../tests/support/workspace.ts';
import { type HistoryRecord, renderPrompt, withExamples, withProfile } from '../../../histories/index.ts';
import { LanguageModel } from '../../../language-model/language-model.ts';
import { methodsByName } from './catalogue.ts';
import { Prompts } from './prompts.ts';
import { methodSchema } from './settings.ts';

const history: HistoryRecord[] = ['red apple pie', 'red apple', 'blue sea'].map((input, i) => ({
  user: 'ada',
  input,
  output: `text ${i}`,
}));
const query: HistoryRecord = { user: 'ada', input: 'red apple pie', output: 'hidden' };
const [rag, pag] = methodsByName(['rag', 'pag']) as [
  ReturnType<typeof methodsByName>[0],
  ReturnType<typeof methodsByName>[0],
];
const choices = { retrieved: 2, profileRecords: 3 };

let place: Workspace;
let model: LanguageModel;
beforeAll(async () => {
  place = await workspace();
  model = await LanguageModel.load(place.model);
});
afterAll(async () => {
  await model.close();
  await place.remove();
});

function prompts(maxLength: number, task?: string, records = history): Prompts {
  const { data } = place;
  const settings = methodSchema.parse({ model: 'x', data, out: place.path(`out-${maxLength}`), maxLength, task });
  return new Prompts({
    settings: { ...settings, maxTokens: 10 },
    base: model,
    task: model,
    historyOf: () => records,
    signal: undefined,
  });
}

const request = renderPrompt('plain', query);
const asRag = () => ({ kind: rag.prompt, model, user: 'ada', choices });
const tokensOf = (text: string) => model.tokenizer.encodePrompt(text).length;

describe('prompts', () => {
  it('show the records most like the request, the best one next to it', async () => {
    const { text, shown } = await prompts(2048).of(asRag(), query);
    expect(text).toBe(withExamples(request, [history[1]!, history[0]!]));
    expect(shown).toBe(2);
  });

  it('show fewer records where there is no room, the least alike first to go', async () => {
    const one = withExamples(request, [history[0]!]);
    const room = tokensOf(one);
    expect(await prompts(room + 10).of(asRag(), query)).toEqual({ text: one, shown: 1, found: 2 });
    // A token less, and there is room for none.
    expect(await prompts(room + 9).of(asRag(), query)).toEqual({
      text: request,
      shown: 0,
      found: 2,
    });
  });

  it('neither find records by the instruction of a benchmark nor show it with each', async () => {
    const opening = 'Generate a title for the following abstract of a paper: ';
    const worded = history.map(record => ({ ...record, input: opening + record.input }));
    const found = await prompts(2048, 'lamp-5', worded).of(
      { ...asRag(), choices: { ...choices, retrieved: 1 } },
      { ...query, input: `${opening}blue` },
    );
    expect(found.text).toBe(withExamples(`${opening}blue`, [history[2]!]));
  });

  it('shorten a profile by words, to the longest that has room', async () => {
    const profile = 'she writes in short clear words and never ends a line with a stop';
    const room = tokensOf(withProfile(request, 'she writes in short'));
    for (const [maxLength, words] of [
      [2048, profile],
      [room + 10, 'she writes in short'],
      [room + 9, 'she writes in'],
    ] as const) {
      const folder = join(place.path(`out-${maxLength}`), 'profiles', String(choices.profileRecords));
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'ada.json'), JSON.stringify(profile));
      const { text } = await prompts(maxLength).of({ kind: pag.prompt, model, user: 'ada', choices }, query);
      expect(text).toBe(withProfile(request, words));
    }
  });
});
