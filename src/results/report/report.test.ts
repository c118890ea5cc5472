/** The page as a text: nothing of a user's or a method's text becomes markup, and every part is there. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sampleReport } from '../../../tests/support/report-sample.ts';
import { IdiolectError } from '../../common/errors.ts';
import { printable } from '../../common/printable.ts';
import { rouge } from '../../metrics/rouge.ts';
import type { Answer, MethodAnswers } from '../answer.ts';
import type { ReportInput } from './input.ts';
import { reportHtml } from './report.ts';
import type { TextsData } from './texts.ts';

const sample = sampleReport();
const page = reportHtml(sample);

function embedded(text: string): TextsData {
  return JSON.parse(/<script type="application\/json"[^>]*>([^<]*)<\/script>/.exec(text)![1]!);
}

const titles = (text: string) => [...text.matchAll(/<h2 id="[^"]*">([^<]*)</g)].map(match => match[1]);

/** Every answer of every method changed. */
function withAnswers(input: ReportInput, change: (answer: Answer) => Answer): ReportInput {
  const methods = input.methods.map(method => ({
    ...method,
    users: new Map([...method.users].map(([user, answers]) => [user, answers.map(change)])),
  }));
  return { ...input, methods };
}

describe('reportHtml', () => {
  it('has every section, in order, and a link to each', () => {
    expect(titles(page)).toEqual([
      'Every method, every metric',
      'C-BPO minus each other method',
      'By uniqueness of the users',
      'Estimated and true overlap',
      'The texts side by side',
      'Search of hyper-parameters',
      'Costs',
      'Configuration',
      'Notes',
    ]);
    const ids = new Set([...page.matchAll(/ id="([^"]*)"/g)].map(match => match[1]));
    const links = [...page.matchAll(/href="#([^"]*)"/g)].map(match => match[1]!);
    expect(links.length).toBeGreaterThan(9);
    expect(links.filter(link => !ids.has(link))).toEqual([]);
  });

  it('holds what it was given: facts, methods, tries, costs, settings, notes and what was not measured', () => {
    const { facts, results, search, searchNote, costs, settings, notes } = sample;
    const given = [
      sample.title,
      ...facts.flatMap(({ name, value }) => [name, value]),
      ...results.methods.map(({ description }) => description),
      ...results.metrics.map(({ note }) => note),
      ...search.map(one => one.settings),
      searchNote,
      ...costs.flatMap(({ stage, detail }) => [stage, detail]),
      ...settings.flatMap(({ name, value, origin }) => [name, value, origin]),
      ...notes,
      'Not measured: the texts are no labels.',
    ];
    expect(given.filter(text => !page.includes(text))).toEqual([]);
  });

  it('writes each mean and marks the best of a column alone', () => {
    for (const method of sample.results.methods) {
      expect(page).toContain(`data-value="${method.metrics.rougeL!.mean}"`);
    }
    expect(page.match(/aria-label="best"/g)).toHaveLength(sample.results.metrics.length);
  });

  it('marks nothing where all have the same value', () => {
    const { results } = sample;
    const methods = results.methods.map(method => ({
      ...method,
      metrics: { ...method.metrics, rougeL: { ...method.metrics.rougeL!, mean: 0.2 } },
    }));
    const text = reportHtml({ ...sample, results: { ...results, methods } });
    expect(text.match(/aria-label="best"/g)).toHaveLength(results.metrics.length - 1);
  });

  it('says what has to be known of a method at its values, and at the differences from it', () => {
    const remark = 'no record fitted in 43 of 43 prompts: equals TAM';
    const methods = sample.results.methods.map(method => (method.name === 'rag' ? { ...method, remark } : method));
    const text = reportHtml({ ...sample, results: { ...sample.results, methods } });
    const rows = [...text.matchAll(/<tr><th scope="row"[^>]*>(.*?)<\/th>/g)].map(match => match[1]!);
    expect(rows.filter(head => head.includes(remark))).toHaveLength(1 + sample.results.metrics.length);
  });

  it('shows ids as they are: no control character, nothing that turns the direction of writing', () => {
    const [first, ...others] = sample.results.users;
    const hostile = 'ada\u001b[2J\u202e|`<b>\u0007';
    const renamed = (user: string) => (user === first ? hostile : user);
    const text = reportHtml({
      ...sample,
      title: hostile,
      facts: [{ name: 'Data', value: hostile }],
      results: {
        ...sample.results,
        users: [hostile, ...others],
        notMeasured: [{ metric: 'style', reason: `"${hostile}" has one text` }],
      },
      users: sample.users.map(one => ({ ...one, user: renamed(one.user) })),
      methods: sample.methods.map(method => ({
        ...method,
        users: new Map([...method.users].map(([user, answers]) => [renamed(user), answers])),
      })),
    });
    expect(printable(text.replaceAll('\n', ''), text.length)).toBe(text.replaceAll('\n', ''));
    expect(text).not.toContain('<b>\ufffd');
    expect(embedded(text).users[0]!.name).toBe('ada\\u{1b}[2J\\u{202e}|`<b>\\u{7}');
  });

  it('is the same string for the same input', () => {
    expect(reportHtml(sampleReport())).toBe(page);
  });

  it('asks nothing of a network: no address but the name of SVG, and a policy that forbids any', () => {
    const addresses = [...page.matchAll(/\bhttps?:\/\/[^"'\s<]*/g)].map(match => match[0]);
    expect(new Set(addresses)).toEqual(new Set(['http://www.w3.org/2000/svg']));
    expect(page).not.toMatch(/\bsrc=|url\(|@import|<link|<iframe|<object/);
    expect(page).toContain("default-src 'none'");
  });

  it('lets run the script and style it holds and no other', () => {
    for (const tag of ['script', 'style']) {
      const [, text] = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(page)!;
      expect(page).toContain(`${tag}-src 'sha256-${createHash('sha256').update(text!).digest('base64')}'`);
    }
  });

  it('keeps hostile texts inert wherever they stand', () => {
    const hostile = '</script><script>alert(1)</script><img src=x onerror="alert(2)"><!--';
    const method = { title: hostile, description: hostile };
    const named = withAnswers(sample, answer => ({ ...answer, input: hostile, reference: hostile, text: hostile }));
    const text = reportHtml({
      ...named,
      title: hostile,
      facts: [{ name: hostile, value: hostile }],
      methods: named.methods.map(one => ({ ...one, ...method })),
      results: {
        ...sample.results,
        methods: sample.results.methods.map(one => ({ ...one, ...method })),
        metrics: sample.results.metrics.map(one => ({ ...one, title: hostile, note: hostile })),
        notMeasured: [{ metric: 'macroF1', reason: hostile }],
      },
      search: [{ method: hostile, settings: hostile, score: 0, chosen: true }],
      searchNote: hostile,
      costs: [{ stage: hostile, seconds: 1, detail: hostile }],
      settings: [{ name: hostile, value: hostile, origin: hostile }],
      notes: [hostile],
    });
    expect(text).not.toContain('<img');
    expect(text).not.toContain('<!--');
    expect(text).not.toContain('alert(2)">'); // its quote is escaped too
    // The two scripts of the page and no third.
    expect(text.match(/<script/g)).toHaveLength(2);
    expect(text.match(/<\/script/g)).toHaveLength(2);
    expect(embedded(text).users[0]!.queries[0]).toMatchObject({ input: hostile, reference: hostile });
  });

  it('embeds each text with the ROUGE-L of it alone', () => {
    const { methods, users } = embedded(page);
    expect(methods).toEqual(sample.methods.map(({ name, title }) => ({ title, anchor: name === 'cbpo' })));
    expect(users).toHaveLength(12);
    const answer = sample.methods[4]!.users.get('user-03')![2]!;
    const found = users[2]!.queries[2]!;
    expect(found).toMatchObject({ input: answer.input, reference: answer.reference });
    expect(found.answers[4]!.text).toBe(answer.text);
    // Written with three decimals.
    expect(found.answers[4]!.score).toBeCloseTo(rouge(answer.text, answer.reference).rougeL.f1, 3);
    expect(users[0]!.about).toMatch(/^uniqueness: unique · estimated overlap α 0\.\d{3} · true α 0\.100$/);
  });

  it('embeds at most 40 users and 12 queries each, and says how many were left out and where all are', () => {
    const large = reportHtml(sampleReport({ users: 41, queries: 13, methods: ['bco', 'cbpo'] }));
    const { users } = embedded(large);
    expect(users.map(({ queries }) => queries.length)).toEqual(Array(40).fill(12));
    expect(large).toContain('480 queries of 40 users are here; 53 of 533 queries and 1 of 41 users were left out.');
    expect(large).toContain('targets/answers/ in the run folder');
    expect(page).toContain('All 72 queries of 12 users are here');
  });

  it('leaves out what is not known: groups, true overlaps, a search', () => {
    const { results, ...rest } = sampleReport({ users: 2, simulated: false });
    const text = reportHtml({ ...rest, results, search: [], costs: [], settings: [] });
    expect(titles(text)).toEqual([
      'Every method, every metric',
      'C-BPO minus each other method',
      'The texts side by side',
      'Notes',
    ]);
  });

  it('makes a page of one method', () => {
    const text = reportHtml(sampleReport({ methods: ['cbpo'] }));
    expect(text).toContain('was measured alone');
    expect(text).toContain('There is no other method to compare with.');
    expect(text).not.toContain('aria-label="best"'); // the only one is not the best of any
  });

  it('makes a page of one user, without a single interval', () => {
    const text = reportHtml(sampleReport({ users: 1 }));
    expect(text).toContain('There is one user, so there are no intervals.');
    expect(text).toContain('one user: no interval');
    expect(text).not.toContain('class="interval"');
  });

  it('refuses methods that have not answered the same queries, and results without a method', () => {
    const [first, second, ...others] = sample.methods as [MethodAnswers, MethodAnswers, ...MethodAnswers[]];
    const users = new Map([...second.users].filter(([user]) => user !== 'user-05'));
    const uneven = { ...sample, methods: [first, { ...second, users }, ...others] };
    expect(() => reportHtml(uneven)).toThrow(IdiolectError);
    expect(() => reportHtml(uneven)).toThrow('query 1 of "user-05" is key-4-0 for the first method and not answered');
    const empty = { ...sample, results: { ...sample.results, methods: [] } };
    expect(() => reportHtml(empty)).toThrow('the results hold no methods');
  });
});
