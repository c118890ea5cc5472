/** The page in a real browser, as wide as a large phone: skipped with one line where there is no Chromium. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { sampleReport } from '../../../tests/support/report-sample.ts';
import { reportHtml } from './report.ts';

const run = promisify(execFile);
const found = await run('chromium', ['--version']).then(
  () => true,
  () => false,
);
if (!found) console.log('src/results/report/script.test.ts: skipped, there is no chromium on the path.');

const folder = await mkdtemp(join(tmpdir(), 'idiolect-report-'));
afterAll(() => rm(folder, { recursive: true }));

/** The page after its script and then `driver` have run, which writes what it saw into the page's title. */
async function inBrowser(page: string, driver: string): Promise<unknown> {
  const file = join(folder, 'report.html');
  const lines = `document.title = encodeURIComponent(JSON.stringify((() => { ${driver} })()));`;
  // The driver is a second script, which the page's own policy rightly forbids.
  const open = page.replace(/script-src '[^']*'/, "script-src 'unsafe-inline'");
  await writeFile(
    file,
    open.replace('</body>', () => `<script>${lines}</script></body>`),
  );
  const { stdout } = await run(
    'chromium',
    [
      '--headless',
      '--disable-gpu',
      '--window-size=500,900',
      // Root, as in most containers, may not use the sandbox; the page is our own.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      `--user-data-dir=${join(folder, 'profile')}`,
      '--dump-dom',
      pathToFileURL(file).href,
    ],
    { maxBuffer: 2 ** 26 },
  );
  const [, title] = /<title>([^<]*)<\/title>/.exec(stdout)!;
  return JSON.parse(decodeURIComponent(title!));
}

describe.skipIf(!found)('the page in a browser', () => {
  const sample = sampleReport({ users: 3, queries: 2 });

  it('shows texts as text, goes from query to query and user to user, and stops at both ends', async () => {
    const [first, ...others] = sample.methods;
    const users = new Map(first!.users);
    const [answer, ...rest] = users.get('user-01')!;
    users.set('user-01', [{ ...answer!, text: '<img src=x onerror=hurt()>' }, ...rest]);
    const page = reportHtml({ ...sample, methods: [{ ...first!, users }, ...others] });
    const seen = await inBrowser(
      page,
      `const of = id => document.getElementById('texts-' + id);
       const state = () => [of('about').textContent.slice(0, 22), of('previous').disabled, of('next').disabled];
       const key = name => of('next').dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true }));
       const texts = [...document.querySelectorAll('.answers .body')].map(one => one.textContent);
       const states = [state()];
       of('next').click(); states.push(state());
       key('ArrowRight'); states.push(state());
       key('ArrowLeft'); states.push(state());
       of('user').value = 2; of('user').dispatchEvent(new Event('change')); of('next').click(); states.push(state());
       return { images: document.images.length, first: texts[0], count: texts.length, states };`,
    );
    expect(seen).toEqual({
      images: 0,
      first: '<img src=x onerror=hurt()>',
      count: 6,
      states: [
        ['user-01 · query 1 of 2', true, false],
        ['user-01 · query 2 of 2', false, false],
        ['user-02 · query 1 of 2', false, false],
        ['user-01 · query 2 of 2', false, false],
        ['user-03 · query 2 of 2', false, true],
      ],
    });
  });

  it('marks the nearest text, and none where all are the same', async () => {
    const stars = (text: string, last: string) => {
      const methods = sample.methods.map((method, m) => ({
        ...method,
        users: new Map(
          [...method.users].map(([user, answers]) => [
            user,
            answers.map(answer => ({
              ...answer,
              reference: 'add a cache',
              text: m === sample.methods.length - 1 ? last : text,
            })),
          ]),
        ),
      }));
      return inBrowser(
        reportHtml({ ...sample, methods }),
        `return [...document.querySelectorAll('.answers h3')].filter(one => one.textContent.includes('★')).length;`,
      );
    };
    expect(await stars('add cache', 'add cache')).toBe(0);
    expect(await stars('add cache', 'add a cache')).toBe(1);
  });

  it('sorts by a column, the best first and then the other way round, with what was not measured last', async () => {
    const { results } = sample;
    const methods = results.methods.map(method =>
      method.name === 'rag' ? { ...method, metrics: { ...method.metrics, style: undefined } } : method,
    );
    const seen = await inBrowser(
      reportHtml({ ...sample, results: { ...results, methods } }),
      `const table = document.querySelector('table.sortable');
       const column = [...table.tHead.rows[0].cells].findIndex(cell => cell.textContent.includes('style'));
       const head = table.tHead.rows[0].cells[column];
       const order = () => [head.getAttribute('aria-sort'), ...[...table.tBodies[0].rows].map(row => row.cells[0].querySelector('a').textContent)];
       head.querySelector('button').click(); const first = order();
       head.querySelector('button').click(); return [first, order()];`,
    );
    const distance = (name: string) => results.methods.find(method => method.name === name)!.metrics.style!.mean;
    const ranked = results.methods
      .filter(({ name }) => name !== 'rag')
      .sort((a, b) => distance(a.name) - distance(b.name))
      .map(({ title }) => title);
    expect(seen).toEqual([
      ['ascending', ...ranked, 'RAG'],
      ['descending', ...ranked.reverse(), 'RAG'],
    ]);
  });

  it('never scrolls sideways as a whole, however long a word', async () => {
    const long = 'w'.repeat(300);
    const { facts, settings, search, costs } = sample;
    const page = reportHtml({
      ...sample,
      title: long,
      facts: facts.map(() => ({ name: long, value: long })),
      search: search.map(one => ({ ...one, method: long, settings: long })),
      costs: costs.map(one => ({ ...one, stage: long, detail: long })),
      settings: settings.map(() => ({ name: long, value: long, origin: long })),
      notes: [long],
      methods: sample.methods.map(method => ({
        ...method,
        users: new Map(
          [...method.users].map(([user, answers]) => [
            user,
            answers.map(answer => ({ ...answer, input: long, reference: long, text: long })),
          ]),
        ),
      })),
    });
    const seen = await inBrowser(
      page,
      `for (const one of document.querySelectorAll('details')) one.open = true;
       return document.documentElement.scrollWidth - innerWidth;`,
    );
    expect(seen).toBeLessThanOrEqual(0);
  });
});
