import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ChatServer, chatServer } from '../../../../tests/support/chat-server.ts';
import { fileServer } from '../../../../tests/support/file-server.ts';
import { resolveSettings } from '../../../common/settings.ts';
import type { MethodAnswers } from '../../../results/answer.ts';
import { judgeSection } from '../../../results/judge-markdown.ts';
import { LONGEST } from '../../../results/judge-results.ts';
import { type JudgeOptions, type JudgeSettings, judge, judgeKey, judgeOf, judgeSchema } from './judge.ts';
import { readVerdict } from './judge-question.ts';

const KEY = 'sk-of-nobody';
const USERS = ['ada', 'ben'];
const QUERIES = 4;
const histories = new Map(USERS.map(user => [user, Array.from({ length: 8 }, (_, i) => `${user} wrote this ${i}`)]));

/** Answers of both users to four queries each. */
function method(name: string, textOf: (user: string, query: number) => string): MethodAnswers {
  const answersOf = (user: string) =>
    Array.from({ length: QUERIES }, (_, i) => ({
      key: `${user}/${i}`,
      input: `request ${i} to ${user}`,
      reference: `what ${user} did write ${i}`,
      text: textOf(user, i),
      logProb: -1,
      tokens: 1,
    }));
  return {
    name,
    title: name.toUpperCase(),
    description: '',
    users: new Map(USERS.map(user => [user, answersOf(user)])),
  };
}
const cbpo = method('cbpo', (user, i) => `ours ${i} for ${user}`);
const base = method('base', (user, i) => `theirs ${i} for ${user}`);

/** The parts of a prompt by name. */
function partsOf(prompt: string) {
  const parts = [...prompt.matchAll(/<(\w+)>\n(.*?)\n<\/\1>/gs)];
  const named = (wanted: string) => parts.flatMap(([, name, text]) => (name === wanted ? [text!] : []));
  return { earlier: named('earlier'), request: named('request')[0]!, a: named('A')[0]!, b: named('B')[0]! };
}
/** A judge that knows what it likes, wherever it stands. */
const prefers = (wanted: string) => (prompt: string) =>
  `{"verdict": "${partsOf(prompt).a.startsWith(wanted) ? 'A' : 'B'}"}`;

let server: ChatServer;
let folder = '';
let waits: number[] = [];
beforeAll(async () => {
  server = await chatServer(prefers('ours'));
});
afterAll(() => server.close());
beforeEach(async () => {
  server.answer = prefers('ours');
  server.requests.length = 0;
  waits = [];
  folder = await mkdtemp(join(tmpdir(), 'idiolect-judge-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function ask(options: Partial<JudgeOptions> = {}, settings: Partial<JudgeSettings> = {}, others = [base]) {
  const named = { judgeUrl: server.address, judgeModel: 'some-model', judgeQueries: 3, ...settings };
  const sleep = async (milliseconds: number) => void waits.push(milliseconds);
  return judge({ anchor: cbpo, others, histories }, named, { seed: 7, folder, fetch, sleep, ...options });
}
const file = () => join(folder, 'judge.jsonl');

describe('the judge', () => {
  it('is off by default, and then asks and writes nothing', async () => {
    const settings = judgeSchema.parse({});
    const place = join(folder, 'none');
    expect(await ask({ folder: place }, { ...settings, judgeUrl: undefined, judgeModel: undefined })).toBeUndefined();
    expect(judgeOf(settings)).toBeUndefined();
    expect(server.requests).toEqual([]);
    expect(existsSync(place)).toBe(false);
  });

  it('is asked about up to three queries a user, each in both orders, beside five earlier texts', async () => {
    const found = await ask({ key: KEY });
    expect(found).toMatchObject({ model: 'some-model', anchor: 'CBPO', users: 2, queries: 6 });
    expect(found!.results).toMatchObject([
      { method: 'base', wins: 6, losses: 0, ties: 0, disagreements: 0, unreadable: 0, asked: 6 },
    ]);
    expect(found!.results[0]!.rate).toEqual({ mean: 1, low: 1, high: 1 });
    expect(server.requests).toHaveLength(12);
    const prompts = server.requests.map(({ body }) => partsOf(body.messages[0]!.content));
    for (const { request, earlier } of prompts) {
      const same = prompts.filter(other => other.request === request);
      expect(same).toHaveLength(2);
      expect([same[0]!.a, same[0]!.b]).toEqual([same[1]!.b, same[1]!.a]);
      const user = request.split(' ').at(-1)!;
      expect(new Set(earlier).size).toBe(5);
      expect(earlier.filter(text => !histories.get(user)!.includes(text))).toEqual([]);
    }
    expect(server.requests[0]).toMatchObject({
      path: '/v1/chat/completions',
      authorization: `Bearer ${KEY}`,
      body: { model: 'some-model', temperature: 0, seed: 7 },
    });
    // What the user wrote to the request would give the answer away.
    expect(JSON.stringify(server.requests)).not.toContain('did write');
  });

  it('is asked four questions at a time', async () => {
    const waiting: (() => void)[] = [];
    let most = 0;
    server.answer = async prompt => {
      const released = new Promise<void>(resolve => waiting.push(resolve));
      most = Math.max(most, waiting.length);
      // With fewer at a time this never comes; a fifth has a moment to arrive.
      if (waiting.length === 4) setTimeout(() => waiting.splice(0).forEach(release => void release()), 50);
      await released;
      return prefers('ours')(prompt);
    };
    await ask();
    expect(most).toBe(4);
  });

  it('gives losses to the other method, and the same queries to every method', async () => {
    server.answer = prefers('theirs');
    const rag = method('rag', (user, i) => `also ${i} for ${user}`);
    const found = await ask({}, { judgeQueries: 2 }, [base, rag]);
    expect(found!.results).toMatchObject([
      { method: 'base', wins: 0, losses: 4, rate: { mean: 0 } },
      { method: 'rag', asked: 4 },
    ]);
    const requestsBeside = (text: string) => {
      const prompts = server.requests.map(({ body }) => partsOf(body.messages[0]!.content));
      return new Set(prompts.filter(({ a, b }) => `${a} ${b}`.includes(text)).map(({ request }) => request));
    };
    expect(requestsBeside('theirs')).toEqual(requestsBeside('also'));
  });

  it('counts a verdict that goes with the place as a tie and as order-dependent', async () => {
    server.answer = () => '{"verdict": "A"}';
    const found = await ask();
    expect(found!.results[0]).toMatchObject({ wins: 0, losses: 0, ties: 6, disagreements: 6, rate: { mean: 0.5 } });
  });

  it('rates a user by the share of pairs won, and the method by the mean over users', async () => {
    // Ada's pairs are won, one of Ben's queries is answered alike, and his others are ties.
    const other = method('base', (user, i) => (user === 'ben' && i === 1 ? ` ours ${i} for ben\n` : `theirs ${user}`));
    server.answer = prompt => (prompt.includes('for ada') ? prefers('ours')(prompt) : '{"verdict": "tie"}');
    const found = await ask({}, { judgeQueries: QUERIES }, [other]);
    expect(found!.results[0]).toMatchObject({ wins: 4, losses: 0, ties: 4, disagreements: 0, asked: 7 });
    expect(found!.results[0]!.rate).toEqual({ mean: 0.75, low: 0.5, high: 1 });
  });

  it('counts answers without a verdict, and is refused where they are most', async () => {
    server.answer = prompt => (partsOf(prompt).request.endsWith('ada') ? prefers('ours')(prompt) : 'Both are fine.');
    const found = await ask();
    expect(found!.results[0]).toMatchObject({ wins: 3, ties: 3, unreadable: 3, disagreements: 0 });
    server.answer = () => 'I cannot help with that.';
    await expect(ask({ seed: 8 })).rejects.toThrow(
      'the judge "some-model" gave no verdict (A, B or tie) in 12 of 12 answers, such as "I cannot help with that."; name another `judgeModel`.',
    );
  });

  it('cuts long texts between characters', async () => {
    await ask({}, {}, [method('base', () => '🖋'.repeat(LONGEST + 1))]);
    const { a, b } = partsOf(server.requests[0]!.body.messages[0]!.content);
    expect([a, b]).toContain(`${'🖋'.repeat(LONGEST)} [...]`);
  });
});

describe('what was answered', () => {
  it('is kept: a run that continues asks only what is missing, and comes to the same', async () => {
    let left = 5;
    server.answer = prompt => (left-- > 0 ? prefers('ours')(prompt) : { status: 400 });
    await expect(ask()).rejects.toThrow('answers 400');
    const kept = (await readFile(file(), 'utf8')).trim().split('\n').length;
    await appendFile(file(), '\n{"key":"cut sho');
    server.requests.length = 0;
    server.answer = prefers('ours');
    const progress: [number, number][] = [];
    const found = await ask({ onProgress: (done, total) => progress.push([done, total]) });
    expect(kept).toBeGreaterThan(0);
    expect(server.requests).toHaveLength(12 - kept);
    expect(progress.at(-1)).toEqual([12 - kept, 12 - kept]);
    expect(await ask()).toEqual(found);
    expect(server.requests).toHaveLength(12 - kept);
    await ask({}, { judgeModel: 'another-model' });
    expect(server.requests).toHaveLength(24 - kept);
  });

  it('is asked once where two methods wrote the same', async () => {
    await ask({}, {}, [base, { ...base, name: 'rag' }]);
    expect(server.requests).toHaveLength(12);
  });

  it('is kept when stopped', async () => {
    const stop = new AbortController();
    const stopped = ask({ signal: stop.signal, onProgress: () => stop.abort() });
    await expect(stopped).rejects.toMatchObject({ code: 'INTERRUPTED' });
    const kept = (await readFile(file(), 'utf8')).trim().split('\n').length;
    server.requests.length = 0;
    await ask();
    expect(kept).toBeGreaterThan(0);
    expect(server.requests).toHaveLength(12 - kept);
  });

  it('holds no key', async () => {
    const found = await ask({ key: KEY });
    expect(server.requests.every(({ authorization }) => authorization === `Bearer ${KEY}`)).toBe(true);
    expect(await readdir(folder)).toEqual(['judge.jsonl']);
    expect(await readFile(file(), 'utf8')).not.toContain(KEY);
    expect(JSON.stringify(found) + judgeSection(found!)).not.toContain(KEY);
  });
});

describe('a server in trouble', () => {
  it('is asked again, later each time and not before it says', async () => {
    let refusals = 3;
    server.answer = prompt => {
      if (refusals === 0) return prefers('ours')(prompt);
      return --refusals > 0 ? { status: 503 } : { status: 429, headers: { 'retry-after': '30' } };
    };
    // One pair whose two requests meet three refusals between them.
    const found = await ask({}, { judgeQueries: 1 }, [
      method('base', (user, i) => (user === 'ada' ? `theirs ${i}` : `ours ${i} for ben`)),
    ]);
    expect(found!.results[0]).toMatchObject({ wins: 1, ties: 1, asked: 1 });
    expect(server.requests).toHaveLength(5);
    expect(waits).toHaveLength(3);
    expect(waits.filter(wait => wait === 30_000)).toHaveLength(1);
  });

  it.each([
    [{ status: 503 }, 'answers 503 after 5 tries; what was answered is kept'],
    [
      { status: 429, text: '{"error":{"message":"no  credit\\nleft"}}' },
      'answers 429 after 5 tries ("no credit left"); what was answered is kept',
    ],
  ])('is given up after five tries: %j', async (reply, sentence) => {
    server.answer = () => reply;
    await expect(ask({}, { judgeQueries: 1 })).rejects.toThrow(sentence);
    expect(new Set(waits)).toEqual(new Set([1000, 2000, 4000, 8000]));
  });

  it.each([
    [
      { status: 401 },
      undefined,
      'wants a key (401); set the environment variable OPENAI_API_KEY to a key of that server.',
    ],
    [
      { status: 401 },
      KEY,
      'refuses the key (401); set the environment variable OPENAI_API_KEY to a key of that server.',
    ],
    [
      { status: 404, text: '{"error":{"message":"no such model"}}' },
      KEY,
      'answers 404 ("no such model"); check `judgeUrl`',
    ],
    // Not followed: texts and key would go to another server.
    [{ status: 307, headers: { location: 'http://127.0.0.1:9/' } }, KEY, 'answers 307; check `judgeUrl`'],
    [{ status: 200, text: '<html>Welcome</html>' }, KEY, 'does not answer with a chat completion; `judgeUrl` must be'],
    [{ status: 200, text: '{"choices":[]}' }, KEY, 'does not answer with a chat completion; `judgeUrl` must be'],
  ])('is reported in one sentence: %j with key %s', async (reply, key, sentence) => {
    server.answer = () => reply;
    await expect(ask({ key })).rejects.toThrow(`${server.address}/chat/completions ${sentence}`);
    expect(server.requests.length).toBeLessThanOrEqual(4);
    expect(waits).toEqual([]);
  });

  it('that never answers, drips or never ends is given up', async () => {
    const odd = await fileServer();
    // Only the limit in question is short, so that no other is reached first on a busy machine.
    const patient = { answer: 300_000, span: 300_000, bytes: 1 };
    for (const [manner, patience, sentence] of [
      ['silent', { ...patient, answer: 60 }, 'did not answer within 0.06 seconds'],
      ['drip', { ...patient, span: 60, bytes: 1e6 }, /sent only \d+ bytes in 0\.06 seconds/],
      ['endless', patient, 'sent more than the 4194304 bytes that are read of such an answer'],
    ] as const) {
      odd.files.set('/v1/chat/completions', { content: Buffer.alloc(65_536, ' '), manner });
      await expect(ask({ patience }, { judgeUrl: `${odd.address}/v1` })).rejects.toThrow(sentence);
    }
    await odd.close();
    expect(waits).toEqual([]);
  });

  it('is told when it cannot be reached', async () => {
    const gone = await chatServer(() => '');
    await gone.close();
    await expect(ask({}, { judgeUrl: `${gone.address}/` })).rejects.toThrow(
      /^http:\S+\/v1\/chat\/completions cannot be reached \(.*ECONNREFUSED.*\); start the server or correct `judgeUrl`\.$/,
    );
  });
});

describe('the settings of the judge', () => {
  const resolve = (values: Record<string, unknown>) =>
    resolveSettings(judgeSchema, [{ origin: 'flag', values }]).values;

  it.each(['localhost:8000', 'ftp://host/v1', 'http://me:secret@host/v1', 'http://host/v1?key=secret'])(
    'take no address such as %s',
    judgeUrl => {
      expect(() => resolve({ judgeUrl })).toThrow('`judgeUrl`: expected an address such as http://localhost:8000/v1');
    },
  );

  it('name server and model together', () => {
    expect(() => judgeOf(resolve({ judgeUrl: 'http://localhost:8000/v1' }))).toThrow('`judgeUrl` needs `judgeModel`');
    expect(() => judgeOf(resolve({ judgeModel: 'm' }))).toThrow('`judgeModel` needs `judgeUrl`');
  });

  it('have no key, which comes from the environment', () => {
    expect(Object.keys(judgeSchema.shape)).toEqual(['judgeUrl', 'judgeModel', 'judgeQueries']);
    expect(judgeKey({ OPENAI_API_KEY: KEY })).toBe(KEY);
    expect(judgeKey({ OPENAI_API_KEY: '' })).toBeUndefined();
    expect(() => judgeKey({ OPENAI_API_KEY: `${KEY}\r` })).toThrow('OPENAI_API_KEY holds');
  });
});

describe('a kept answer', () => {
  it('is of one server: another with a model of the same name is asked itself', async () => {
    await ask();
    expect(server.requests).toHaveLength(12);
    const other = await chatServer(prefers('theirs'));
    const judged = await ask({}, { judgeUrl: other.address });
    expect(other.requests).toHaveLength(12);
    expect(judged!.results[0]).toMatchObject({ rate: { mean: 0 } });
    await other.close();
  });

  it('without a verdict is asked for again', async () => {
    server.answer = () => '';
    await expect(ask()).rejects.toThrow('gave no verdict');
    server.requests.length = 0;
    server.answer = prefers('ours');
    expect((await ask())!.results[0]).toMatchObject({ rate: { mean: 1 } });
    expect(server.requests).toHaveLength(12);
  });
});

describe('a verdict', () => {
  it.each([
    ['{"verdict": "B"}', 'B'],
    ['```json\n{\n  "verdict": "tie"\n}\n```', 'tie'],
    ['<think>A {"verdict": "A"}? No.</think>\n\n{"verdict":"B"}', 'B'],
    ['Verdict: a tie', 'tie'],
    ['**Verdict:** A, for its capitals', 'A'],
    ['My first verdict: A. But the dashes are hers. Final verdict: B.', 'B'],
    [' b. ', 'B'],
    ['Answer A', 'A'],
    ['Verdict: a slight edge to B', undefined],
    ['<think>They want {"verdict": "A"} or {"verdict": "tie"}. Let me', undefined],
    ['A reader could not tell them apart.', undefined],
    ['Verdict: both', undefined],
    ['', undefined],
  ])('of %j is %s', (content, verdict) => {
    expect(readVerdict(content)).toBe(verdict);
  });
});

describe('the section on the judge', () => {
  it('says what was asked of whom, and what to make of it', async () => {
    const found = await ask({}, { judgeQueries: 1 });
    expect(judgeSection({ ...found!, url: 'http://localhost:8000/v1' })).toMatchInlineSnapshot(`
      "## What a language model says

      \`some-model\` at http://localhost:8000/v1 was shown, for 2 of the queries, up to 5 earlier texts of the user, the request, and two answers without names: CBPO's and another method's. It was asked which reads more like the user; what the user wrote to that request it did not see. Texts are cut after 2,000 characters. Each pair was asked about in both orders at temperature 0: where the two verdicts differ (order-dependent), or one cannot be read (no verdict), the pair is a tie; answers that are the same are a tie unasked. Win rate: share of a user's pairs that CBPO wins, ties half, as the mean over users, with its 95% bootstrap interval over users.

      LLM judges prefer longer texts and texts like their own (Zheng et al. 2023, arXiv 2306.05685), whoever the user is; this is one model's opinion, and no person was asked.

      | CBPO against | win rate          | wins/ties/losses | order-dependent | no verdict | pairs asked |
      | ------------ | ----------------- | ---------------- | --------------- | ---------- | ----------- |
      | BASE         | 1.00 [1.00, 1.00] | 2/0/0            | 0               | 0          | 2           |"
    `);
    expect(judgeSection({ ...found!, users: 1 })).toMatch(/\| BASE +\| 1\.00 +\|/);
  });
});
