import { describe, expect, it } from 'vitest';
import { methodsByName, withoutRecords } from '../jobs/compare/methods/catalogue.ts';
import { sentenceBleu } from '../metrics/bleu.ts';
import { accuracy, macroF1 } from '../metrics/classification.ts';
import { meteor } from '../metrics/meteor.ts';
import { wordTokens } from '../metrics/word-tokens.ts';
import type { Answer, MethodAnswers } from './answer.ts';
import { measureResults } from './measure.ts';
import type { ResultMetric, Results, ResultsInput } from './results.ts';

/** What the three users wrote: ada twice, the others once. */
const references = { ada: ['Fix the parser', 'Add a cache'], ben: ['fix: parser'], cid: ['docs update'] };
const histories = new Map([
  ['ada', ['Fix the router', 'Add a reader', 'Remove the old option', 'Use the index']],
  ['ben', ['fix: router', 'feat: reader', 'chore: option', 'fix: index']],
  ['cid', ['router update', 'reader update', 'option update', 'index update']],
]);

type Texts = Readonly<Record<string, readonly string[]>>;

/** Answers to queries named after user and place, with the log-probabilities given, of 3, 1, 1, ... tokens. */
function method(name: string, texts: Texts, wrote: Texts = references, logProb = -6): MethodAnswers {
  const answersOf = (user: string): readonly Answer[] =>
    texts[user]!.map((text, i) => ({
      key: `${user}-${i}`,
      input: 'asked',
      reference: wrote[user]![i]!,
      text,
      logProb: i === 0 ? logProb : -1,
      tokens: i === 0 ? 3 : 1,
    }));
  const title = name.toUpperCase();
  return { name, title, description: '', users: new Map(Object.keys(texts).map(user => [user, answersOf(user)])) };
}

const cbpo = method('cbpo', { ada: ['Fix the parser', 'Add cache'], ben: [''], cid: ['update'] });
const base = method('base', { ada: ['parser', 'Add a cache'], ben: ['parser'], cid: ['other'] }, references, -9);

const text: ResultsInput = {
  methods: [base, cbpo],
  anchor: 'cbpo',
  histories,
  groups: new Map([
    ['ada', 'unique'],
    ['ben', 'non-unique'],
    ['cid', 'unique'],
  ]),
  metrics: ['rouge1', 'rougeL'],
  seed: 1,
};
const results = measureResults(text);

const found = ({ methods }: Results, name: string, metric: ResultMetric) =>
  methods.find(method => method.name === name)!.metrics[metric]!;
const compared = ({ comparisons }: Results, metric: ResultMetric) =>
  comparisons.filter(comparison => comparison.metric === metric);
/** Sums of a few terms in another order. */
const near = (value: number) => expect.closeTo(value, 12);

describe('remarks on a method', () => {
  const answered = (name: string, shown: readonly number[], found = 2): MethodAnswers => {
    const plain = method(name, { ada: ['a', 'b'], ben: ['c'], cid: ['d'] });
    let next = 0;
    const users = [...plain.users].map(
      ([user, answers]) => [user, answers.map(answer => ({ ...answer, shown: shown[next++]!, found }))] as const,
    );
    const [spec] = methodsByName([name]);
    return { ...plain, title: spec!.title, users: new Map(users), ...withoutRecords(spec!) };
  };
  const remarkOf = (one: MethodAnswers) =>
    measureResults({ ...text, methods: [one, cbpo] }).methods.find(({ name }) => name === one.name)!.remark;

  it.each([
    ['rag', [0, 0, 0, 0], 2, 'no record fitted in 4 of 4 prompts: equals TAM'],
    ['rag', [0, 1, 0, 0], 2, 'no record fitted in 3 of 4 prompts: there it equals TAM'],
    ['rag+oppu', [0, 0, 0, 0], 2, 'no record fitted in 4 of 4 prompts: equals OPPU'],
    ['rag', [0, 0, 0, 0], 0, 'no record was found in 4 of 4 prompts: equals TAM'],
    ['pag', [0, 0, 9, 0], 9, 'no word of the description fitted in 3 of 4 prompts'],
    ['rag', [1, 1, 2, 2], 2, undefined],
  ])('%s with %j of the records shown', (name, shown, found, remark) => {
    expect(remarkOf(answered(name, shown, found))).toBe(remark);
  });
});

describe('texts that ROUGE does not see', () => {
  const wrote = { ada: ['исправить 1', 'добавить'], ben: ['修正 2'], cid: ['docs'] };
  const of = (texts: Texts, metrics: ResultsInput['metrics']) =>
    measureResults({ ...text, metrics, methods: [method('base', texts, wrote), method('cbpo', wrote, wrote)] });
  const other = { ada: ['убрать 1', 'исправить'], ben: ['追加 2'], cid: ['docs'] };

  it('are said to be so at the values of ROUGE, and chrF sees them', () => {
    const { metrics, methods } = of(other, ['chrf', 'rouge1', 'rougeL']);
    const remark =
      'rests on digits and a-z alone: 3 of 4 texts that the users wrote are mostly in letters it does not see';
    expect(metrics.filter(metric => metric.remark === remark).map(({ name }) => name)).toEqual([
      'rouge1',
      'rougeL',
      'rouge2',
    ]);
    expect(metrics[0]).toMatchObject({ name: 'chrf', title: 'chrF' });
    const [base, cbpo] = methods.map(({ metrics: of }) => of.chrf!.mean);
    expect(cbpo).toBe(100);
    expect(base).toBeLessThan(70);
    // What the digits say.
    expect(methods[0]!.metrics.rouge1!.values).toEqual([0.5, 1, 1]);
  });

  it('are counted in the note where they are few', () => {
    const { metrics } = measureResults({
      ...text,
      methods: text.methods.map(one => ({
        ...one,
        users: new Map(
          [...one.users].map(([user, answers]) => [
            user,
            answers.map((answer, i) => (user === 'ada' && i === 0 ? { ...answer, reference: 'да' } : answer)),
          ]),
        ),
      })),
    });
    const rouge1 = metrics.find(({ name }) => name === 'rouge1')!;
    expect(rouge1.remark).toBeUndefined();
    expect(rouge1.note).toContain('Here 1 of 4 texts that the users wrote is mostly in letters it does not see.');
  });
});

describe('results of free text', () => {
  it('are means over a user’s answers, then over users', () => {
    // ada: F1 of a whole text 1, of two words of three 0.8; cid: one word of two, 2/3.
    expect(found(results, 'cbpo', 'rouge1')).toMatchObject({
      mean: near((0.9 + 0 + 2 / 3) / 3),
      values: [near(0.9), 0, near(2 / 3)],
    });
    // ada: one word of three 1/2, and 1.
    expect(found(results, 'base', 'rouge1').values).toEqual([0.75, near(2 / 3), 0]);
    // Of the second text's pairs of words none is shared.
    expect(found(results, 'cbpo', 'rouge2').values).toEqual([0.5, 0, 0]);
    expect(found(results, 'cbpo', 'exactMatch').values).toEqual([0.5, 0, 0]);
    expect(found(results, 'cbpo', 'bleu').values).toEqual([
      near((100 + sentenceBleu('Add cache', 'Add a cache')) / 2),
      0,
      near(sentenceBleu('update', 'docs update')),
    ]);
    expect(results).toMatchObject({ users: ['ada', 'ben', 'cid'], queries: 4, anchor: 'cbpo', notMeasured: [] });
    expect(results.metrics.map(({ name }) => name)).toEqual([
      ...['rouge1', 'rougeL', 'rouge2', 'bleu', 'exactMatch', 'logLikelihood', 'style', 'attribution'],
    ]);
  });

  it('weigh log-probabilities by tokens', () => {
    expect(found(results, 'cbpo', 'logLikelihood').values).toEqual([-7 / 4, -2, -2]);
    expect(found(results, 'base', 'logLikelihood').values).toEqual([-10 / 4, -3, -3]);
  });

  it('resample the same users for every method', () => {
    const shifted = method('base', { ada: ['', ''], ben: [''], cid: [''] }, references, -6);
    const again = measureResults({ ...text, methods: [shifted, cbpo] });
    const { low, high } = found(again, 'base', 'logLikelihood');
    expect(found(again, 'cbpo', 'logLikelihood')).toMatchObject({ low, high });
    expect(low).toBeLessThan(high);
  });

  it('are told by group as well', () => {
    const { byGroup } = found(results, 'cbpo', 'rouge1');
    expect(byGroup.map(({ group, users, estimate }) => [group, users, estimate.mean])).toEqual([
      ['unique', 2, near((0.9 + 2 / 3) / 2)],
      ['non-unique', 1, 0],
    ]);
  });

  it('compare the anchor with each other method, paired by user', () => {
    // 0.15, -2/3, 2/3: every flip of the signs gives a sum at least as far from 0.
    expect(compared(results, 'rouge1')).toMatchObject([
      { method: 'base', mean: near(0.05), p: 1, adjustedP: 1, winRate: { wins: 2, losses: 1, ties: 0 } },
    ]);
  });

  it('correct the p-values of a metric for the number of methods, and count a better style as positive', () => {
    const users = ['u1', 'u2', 'u3', 'u4', 'u5', 'u6'];
    const all = (texts: readonly string[]) => Object.fromEntries(users.map(user => [user, texts]));
    const wrote = all(['Fix the router']);
    const like = method('cbpo', all(['Fix the router']), wrote);
    const far = method('oppu', all(['[router] WHO KNOWS?? 17']), wrote);
    const same = method('bco', all(['Fix the router']), wrote);
    const six = measureResults({
      ...text,
      methods: [far, like, same],
      histories: new Map(users.map(user => [user, histories.get('ada')!])),
    });
    for (const metric of ['rouge1', 'style'] as const) {
      // Six users better off: 2 of 64 flips are as extreme. The smaller p counts twice, as the column has two.
      expect(compared(six, metric)).toMatchObject([
        { method: 'oppu', p: 2 / 64, adjustedP: 4 / 64, winRate: { wins: 6 } },
        { method: 'bco', mean: 0, p: 1, adjustedP: 1, winRate: { ties: 6, rate: 0.5 } },
      ]);
      expect(compared(six, metric)[0]!.mean).toBeGreaterThan(0);
    }
    expect(found(six, 'cbpo', 'style').mean).toBeLessThan(found(six, 'oppu', 'style').mean);
  });

  it('give texts to their users, an empty one to nobody, and say what the users’ own reach', () => {
    expect(found(results, 'cbpo', 'attribution').values).toEqual([1, 0, 1]);
    expect(results.ownTexts.attribution).toEqual({ mean: 1, low: 1, high: 1 });
    // Nothing at all is further from ben's way of writing than what ben wrote.
    const own = measureResults({ ...text, methods: [method('cbpo', references), base] });
    expect(found(own, 'cbpo', 'style').mean).toBe(results.ownTexts.style!.mean);
    expect(found(own, 'cbpo', 'style').values![1]).toBeLessThan(found(results, 'cbpo', 'style').values![1]!);
  });

  it('have METEOR where the task has it, and say whose it is', () => {
    const asked = { ...text, metrics: ['rouge1', 'meteor'] as const };
    const plain = measureResults(asked);
    const score = meteor(wordTokens('parser'), wordTokens('fix: parser'));
    expect(found(plain, 'base', 'meteor').values![1]).toBe(score);
    expect(plain.metrics[1]!.note).toContain('lower than NLTK');
    const withSynonyms = measureResults({ ...asked, synonyms: () => new Set(['updat']) });
    expect(withSynonyms.metrics[1]!.note).not.toContain('lower');
    // "other" has a synonym whose stem is that of "update".
    expect(found(plain, 'base', 'meteor').values![2]).toBe(0);
    expect(found(withSynonyms, 'base', 'meteor').values![2]).toBeGreaterThan(0);
  });

  it('leave out, with the reason, what histories are too few for', () => {
    const few = measureResults({ ...text, histories: new Map([...histories, ['ben', ['fix: router']]]) });
    expect(few.notMeasured).toEqual([{ metric: 'style', reason: expect.stringContaining('"ben" has fewer') }]);
    expect(few.methods[0]!.metrics.style).toBeUndefined();
    const ada = (name: string) => method(name, { ada: ['a', 'b'] });
    const alone = measureResults({ ...text, methods: [ada('cbpo'), ada('base')] });
    expect(alone.notMeasured).toEqual([{ metric: 'attribution', reason: 'it needs two users' }]);
  });

  it('refuse answers to other queries, naming method and user', () => {
    const { ada, ben } = { ada: ['a', 'b'], ben: ['c'] };
    const withBase = (base: MethodAnswers) => () =>
      measureResults({ ...text, methods: [method('cbpo', { ada, ben }), base] });
    expect(withBase(method('base', { ada }))).toThrow('"base" has no user where "cbpo" has user "ben"');
    expect(withBase(method('base', { ben, ada }))).toThrow('"base" has user "ben" where "cbpo" has user "ada"');
    expect(withBase(method('base', { ada: ['a'], ben }))).toThrow('"base", user "ada": found 1 answer');
    const turned = method('base', { ada, ben });
    const answers = turned.users.get('ada')!.toReversed();
    expect(withBase({ ...turned, users: new Map(turned.users).set('ada', answers) })).toThrow(
      '"base", user "ada": answer 1 is to ada-1, that of "cbpo" to ada-0',
    );
    expect(withBase(method('base', { ada, ben }, references, Number.NaN))).toThrow('"base", user "ada": the log-prob');
    expect(() => measureResults({ ...text, anchor: 'dpo' })).toThrow('"dpo", is none of those measured: base, cbpo');
    expect(() => measureResults({ ...text, histories: new Map() })).toThrow('no history of user "ada"');
  });
});

describe('results of labels and ratings', () => {
  const tags = { ada: ['sci-fi', 'comedy', 'comedy'], ben: ['drama'], cid: ['comedy', 'drama'] };
  const tagged = { ada: ['sci-fi', ' comedy\n', 'drama'], ben: ['drama'], cid: ['a film', 'comedy'] };
  const labels: ResultsInput = {
    ...text,
    methods: [method('cbpo', tagged, tags), method('base', tags, tags)],
    metrics: ['accuracy', 'macroF1'],
  };

  it('have macro F1 over all answers together', () => {
    const measured = measureResults(labels);
    const flat = (texts: Texts) =>
      Object.values(texts)
        .flat()
        .map(text => text.trim());
    const { mean, low, high, values, byGroup } = found(measured, 'cbpo', 'macroF1');
    expect(mean).toBeCloseTo(macroF1(flat(tagged), flat(tags)), 12); // four terms in another order
    expect([values, byGroup]).toEqual([undefined, []]);
    expect(low).toBeLessThan(mean);
    expect(high).toBeGreaterThan(mean);
    expect(compared(measured, 'macroF1')).toEqual([]);
    // The same users are drawn for both sides: against its own equal, nothing is lost in any draw.
    const twins = measureResults({ ...labels, methods: [method('cbpo', tagged, tags), method('base', tagged, tags)] });
    expect(twins.pooledComparisons).toMatchObject([{ mean: 0, low: 0, high: 0 }]);
    // Against a method that is right for all: what is lost to it.
    expect(measured.pooledComparisons).toMatchObject([
      { method: 'base', metric: 'macroF1', mean: near(mean - 1), low: near(low - 1), high: near(high - 1) },
    ]);
  });

  it('have accuracy by user', () => {
    const measured = measureResults(labels);
    expect(found(measured, 'cbpo', 'accuracy').values).toEqual([near(2 / 3), accuracy(['drama'], ['drama']), 0]);
    expect(measured.metrics.map(({ name }) => name)).toEqual(['accuracy', 'macroF1', 'logLikelihood']);
  });

  it('count errors of ratings as lower is better', () => {
    const stars = { ada: ['3', '4'], ben: ['5'], cid: ['1'] };
    const guessed = { ada: ['4', '4'], ben: ['4'], cid: ['no idea'] };
    const methods = [method('cbpo', stars, stars), method('base', guessed, stars)];
    const measured = measureResults({ ...text, methods, metrics: ['mae', 'rmse'] });
    expect(found(measured, 'base', 'mae').values).toEqual([0.5, 1, 4]); // no idea of 1 counts as 5
    expect(found(measured, 'base', 'rmse').mean).toBe(Math.sqrt((1 + 0 + 1 + 16) / 4));
    expect(compared(measured, 'mae')).toMatchObject([{ mean: near(5.5 / 3), winRate: { wins: 3 } }]);
    expect(measured.pooledComparisons[0]!.mean).toBe(Math.sqrt(18 / 4));
    expect(measured.pooledComparisons[0]!.low).toBeGreaterThan(0);
  });
});
