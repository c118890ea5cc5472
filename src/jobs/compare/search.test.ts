/** Hyper-parameters: as many tries for every method that has one, in an order in which each finds what it needs. */
import { describe, expect, it } from 'vitest';
import { METHOD_NAMES, methodsByName } from './methods/catalogue.ts';
import { methodSchema } from './methods/settings.ts';
import { chooseTry, describeMethod, firstChoices, inOrder, triedText, triesOf } from './search.ts';

const settingsOf = (values: Record<string, unknown> = {}) =>
  methodSchema.parse({ model: 'model', data: 'data', out: 'out', ...values });
const method = (name: string) => methodsByName([name])[0]!;
const orderOf = (...names: string[]) => inOrder(methodsByName(names), method).map(({ name }) => name);

describe('the tries of a method', () => {
  const settings = settingsOf({ rates: [1e-4, 3e-4], retrieved: [3, 1], profileRecords: [8, 4] });
  const choices = firstChoices(settings);
  const countsOf = (names: readonly string[]) =>
    Object.fromEntries(names.map(name => [name, triesOf(method(name), choices, settings).length]));

  it('are as many for every method with a hyper-parameter, and none for those without', () => {
    const expected = Object.fromEntries(METHOD_NAMES.map(name => [name, name === 'base' || name === 'tam' ? 0 : 2]));
    expect(countsOf(METHOD_NAMES)).toEqual(expected);
    expect(countsOf(['rag+oppu', 'rag+cbpo', 'rag+cope'])).toEqual({ 'rag+oppu': 0, 'rag+cbpo': 0, 'rag+cope': 0 });
  });

  it('differ in the hyper-parameter of the method alone, and in the name of their folder', () => {
    const oppu = triesOf(method('oppu'), choices, settings);
    expect(oppu.map(({ name, text }) => [name, text])).toEqual([
      ['oppu-0.0001', 'lr 0.0001'],
      ['oppu-0.0003', 'lr 0.0003'],
    ]);
    expect(oppu[1]!.choices).toEqual({ ...choices, rates: { ...choices.rates, oppu: 3e-4 } });
    const rag = triesOf(method('rag'), choices, settings);
    expect(rag.map(attempt => [attempt.name, attempt.text, attempt.choices])).toEqual([
      ['rag-3', '3 records', { ...choices, retrieved: 3 }],
      ['rag-1', '1 record', { ...choices, retrieved: 1 }],
    ]);
    const pag = triesOf(method('pag'), choices, settings);
    expect(pag.map(({ choices: { profileRecords } }) => profileRecords)).toEqual([8, 4]);
  });

  it('keep what was chosen for the methods before', () => {
    const chosen = { ...choices, rates: { ...choices.rates, oppu: 3e-4 }, retrieved: 1 };
    for (const attempt of triesOf(method('cope'), chosen, settings)) {
      expect(attempt.choices).toMatchObject({ rates: { oppu: 3e-4, dpo: 5e-6 }, retrieved: 1 });
    }
  });

  it('are a twentieth of the rates where training continues from the adapters of another', () => {
    for (const name of ['dpo', 'cope']) {
      expect(triesOf(method(name), choices, settings).map(({ text }) => text)).toEqual(['lr 0.000005', 'lr 0.000015']);
    }
    expect(triesOf(method('cbpo'), choices, settings).map(({ text }) => text)).toEqual(['lr 0.0001', 'lr 0.0003']);
  });

  it('come from lists as long as `rates`', () => {
    const short = settingsOf({ rates: [1e-4, 3e-4, 1e-3], retrieved: [2, 1], profileRecords: [5] });
    expect(() => triesOf(method('rag'), firstChoices(short), short)).toThrow(
      '`retrieved` has 2 values and `rates` 3: every method gets the same number of tries. Give 3 of each.',
    );
    expect(() => triesOf(method('pag'), firstChoices(short), short)).toThrow(
      '`profileRecords` has 1 values and `rates` 3: every method gets the same number of tries. Give 3 of each.',
    );
    // One rate is one try of each, by the first value of every list.
    const one = settingsOf({ rates: [1e-4] });
    expect(triesOf(method('rag'), firstChoices(one), one).map(({ text }) => text)).toEqual(['2 records']);
  });
});

describe('the order', () => {
  it('puts what a method needs before it, asked for or not', () => {
    expect(orderOf('cope')).toEqual(['oppu', 'cope']);
    expect(orderOf('dpo', 'oppu')).toEqual(['oppu', 'dpo']);
    expect(orderOf('rag+cbpo')).toEqual(['rag', 'cbpo', 'rag+cbpo']);
    expect(orderOf('rag+cope', 'base')).toEqual(['oppu', 'rag', 'cope', 'rag+cope', 'base']);
  });

  it('is that of the request where nothing is missing, each method once', () => {
    expect(orderOf(...METHOD_NAMES)).toEqual(METHOD_NAMES);
    expect(orderOf('tam', 'base')).toEqual(['tam', 'base']);
    expect(orderOf('cbpo', 'dpo', 'cope', 'rag+dpo')).toEqual(['cbpo', 'oppu', 'dpo', 'cope', 'rag', 'rag+dpo']);
  });
});

it('a description names the hyper-parameters the method has, and no others', () => {
  const choices = { rates: { oppu: 1e-4, cbpo: 3e-4 }, retrieved: 4, profileRecords: 7 };
  const hyperParameters = (name: string) => {
    const { summary } = method(name);
    const text = describeMethod(method(name), choices);
    expect(text.startsWith(summary)).toBe(true);
    return text.slice(summary.length);
  };
  expect(hyperParameters('base')).toBe('');
  expect(hyperParameters('rag')).toBe('; 4 records');
  expect(hyperParameters('pag')).toBe('; from 7 records');
  expect(hyperParameters('cbpo')).toBe('; lr 0.0003');
  expect(hyperParameters('rag+oppu')).toBe('; lr 0.0001; 4 records');
});

describe('the try that is taken', () => {
  const settings = settingsOf({ rates: [1e-4, 3e-4, 1e-3] });
  const tries = triesOf(method('oppu'), firstChoices(settings), settings);
  const chosen = (criterion: 'rouge1' | 'mae' | 'logLikelihood', scores: number[], likelihoods: number[]) => {
    const of = (mean: number) => ({ mean, low: mean, high: mean, byGroup: [] });
    const measured = scores.map((score, i) => ({
      metrics: { logLikelihood: of(likelihoods[i]!), [criterion]: of(score) },
    }));
    return chooseTry('OPPU', tries, measured, criterion);
  };

  it.each([
    ['has the best score', 'rouge1', [0.1, 0.3, 0.2], [-3, -9, -2], 1, []],
    ['has the least error', 'mae', [0.5, 0.3, 0.4], [-3, -9, -2], 1, []],
    ['is the likeliest where all score the same', 'rouge1', [0, 0, 0], [-89.1, -63.7, -70], 1, [0, 1, 2]],
    ['is the likeliest of those that share the best score', 'rouge1', [0.1, 0.3, 0.3], [-1, -9, -8], 2, [1, 2]],
    ['is the likeliest of those with the least error', 'mae', [0.5, 0.3, 0.3], [-1, -9, -8], 2, [1, 2]],
    ['shares a score but for rounding', 'rouge1', [0.3, 0.3 + 1e-16, 0.1], [-1, -2, 0], 0, [0, 1]],
    ['is the first where nothing tells them apart', 'rouge1', [0, 0, 0], [-5, -5, -5], 0, [0, 1, 2]],
  ] as const)('%s', (_, criterion, scores, likelihoods, best, tied) => {
    const { choices, tried } = chosen(criterion, [...scores], [...likelihoods]);
    expect(choices).toBe(tries[best]!.choices);
    expect(tried.map(one => one.chosen)).toEqual([0, 1, 2].map(i => i === best));
    expect(tried.map(({ score }) => score)).toEqual(scores);
    const shown = tried.flatMap(({ likelihood }, i) => (likelihood === undefined ? [] : [i]));
    expect(shown).toEqual(tied);
  });

  it('is said to be one of several', () => {
    const { tried } = chosen('rouge1', [0, 0, 0], [-89.1, -63.7, -70]);
    expect(triedText(tried[1]!)).toBe('OPPU lr 0.0003: 0.0000, a tie; log-likelihood -63.7000 (taken)');
    expect(triedText(chosen('rouge1', [0.1, 0.2, 0], [-1, -1, -1]).tried[0]!)).toBe('OPPU lr 0.0001: 0.1000');
  });
});
