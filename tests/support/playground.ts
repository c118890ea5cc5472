/**
 * A place where the documents' commands can be run as printed: a small model in place of each one they name, on a hub and
 * a benchmark server of the test's own, and small files under the names they use.
 */
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { habitualHistories } from '../../examples/habits.ts';
import { writeTinyBackbone } from '../../examples/tiny-backbone.ts';
import { ROOT } from './documented.ts';
import { type FileServer, fileServer } from './file-server.ts';
import { serveModel } from './hub.ts';

/** What the commands' work is cut down to; the last of two equal flags counts. */
const SHORT: Readonly<Record<string, string>> = {
  train: '--epochs 1 --max-length 96 --alpha 0.3',
  adapt: '--epochs 1 --max-length 96 --target-users 3',
  ablate: '--epochs 1 --max-length 96',
  compare:
    '--methods bco,cbpo --rates 1e-3 --epochs 1 --alpha 0.3 --task-epochs 1 --max-length 96 --max-tokens 4 --target-users 2 --development-users 2',
  overlap: '--max-length 96 --users first:2 --overlap-ratio 1',
  generate: '--max-tokens 8',
};

export interface Ran {
  readonly code: number | null;
  readonly output: string;
}

export interface Playground {
  readonly folder: string;
  /** A command of the documents, by a shell. */
  run(command: string): Promise<Ran>;
  /** The same place again, with what was made in it. */
  copy(): Promise<Playground>;
  remove(): Promise<void>;
}

const USERS = ['ada', 'alice', ...Array.from({ length: 6 }, (_, i) => `user${i + 1}`)];

/** Eight people with habits of writing, in time order. */
function people() {
  const voices = habitualHistories(10);
  const lines = ['ada', 'grace', 'linus'].map(voice => voices.filter(({ user }) => user === voice));
  return USERS.flatMap((user, i) => lines[i % lines.length]!.map(record => ({ ...record, user })));
}

export async function playground(): Promise<Playground> {
  const home = await mkdtemp(join(tmpdir(), 'idiolect-documents-'));
  const server = await fileServer();
  await writeTinyBackbone(join(home, 'tiny'));
  await serveSmallModel(server, 'HuggingFaceTB/SmolLM2-135M-Instruct', join(home, 'tiny'));
  serveLamp(server);
  await writeShims(join(home, 'bin'), server.address);
  const folder = join(home, 'code/project');
  await mkdir(folder, { recursive: true });
  await cp(join(home, 'tiny'), join(folder, 'stories260k'), { recursive: true });
  await cp(join(home, 'tiny'), join(folder, 'tiny'), { recursive: true });
  const place = at(home, folder, server);
  await writeRepository(place);
  await writeTables(folder);
  return { ...place, remove: () => place.remove().then(() => server.close()) };
}

function at(home: string, folder: string, server: FileServer): Playground {
  const env = {
    ...process.env,
    HOME: home,
    XDG_CACHE_HOME: join(home, 'caches'),
    PATH: `${join(home, 'bin')}${delimiter}${process.env.PATH}`,
    HF_ENDPOINT: server.address,
    HF_HOME: join(home, 'hub'),
    HF_HUB_CACHE: '',
    HF_TOKEN: '',
    NO_COLOR: '1',
    ...Object.fromEntries(
      ['AUTHOR', 'COMMITTER'].flatMap(who => [
        [`GIT_${who}_NAME`, 'ada'],
        [`GIT_${who}_EMAIL`, 'ada@x'],
      ]),
    ),
  };
  return {
    folder,
    run: command =>
      new Promise(resolve => {
        const child = spawn('sh', ['-c', command], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
        let output = '';
        for (const stream of [child.stdout, child.stderr]) stream.on('data', text => (output += text));
        child.on('close', code => resolve({ code, output }));
      }),
    async copy() {
      const copied = join(await mkdtemp(join(home, 'copy-')), 'project');
      await cp(folder, copied, { recursive: true });
      return at(home, copied, server);
    },
    remove: () => rm(home, { recursive: true, force: true }),
  };
}

async function serveSmallModel(server: FileServer, id: string, model: string): Promise<void> {
  const files = (await readdir(model)).map(async name => [name, await readFile(join(model, name))] as const);
  serveModel(server, id, Object.fromEntries(await Promise.all(files)));
}

/** LaMP-4 divided by time: a headline for a text, by everybody with a profile of nine headlines each. */
function serveLamp(server: FileServer): void {
  const { questions, outputs } = lamp4();
  for (const [name, value] of [
    ['questions', questions],
    ['outputs', outputs],
  ] as const) {
    const content = Buffer.from(JSON.stringify(value));
    for (const task of ['LaMP_4', 'time/LaMP_4']) server.files.set(`/${task}/dev/dev_${name}.json`, { content });
  }
}

function lamp4() {
  const records = people();
  const questions = USERS.map((user, i) => {
    const own = records.filter(record => record.user === user);
    const profile = own.slice(1).map(({ input, output }, item) => ({ id: `${i}-${item}`, text: input, title: output }));
    return { id: `${i}`, input: `Generate a headline for the following article: ${own[0]!.input}`, profile };
  });
  const golds = questions.map(({ id }, i) => ({ id, output: records.find(({ user }) => user === USERS[i])!.output }));
  return { questions, outputs: { task: 'LaMP_4', golds } };
}

/** `idiolect` from the sources and `npx idiolect`, with less to do and without the makers' servers. */
async function writeShims(folder: string, mirror: string): Promise<void> {
  await mkdir(folder);
  const cases = Object.entries({ ...SHORT, data: `--mirror ${mirror}` }).map(
    ([verb, flags]) => `  ${verb}) set -- "$@" ${flags} ;;`,
  );
  const start = `exec "${process.execPath}" "${join(ROOT, 'tests/support/cli.ts')}" "$@"`;
  const idiolect = ['#!/bin/sh', 'case "$1" in', ...cases, 'esac', start, ''].join('\n');
  await writeFile(join(folder, 'idiolect'), idiolect, { mode: 0o755 });
  await writeFile(join(folder, 'npx'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
}

/** A repository of everybody's commits, and a change that is staged. */
async function writeRepository(place: Playground): Promise<void> {
  const commits = people().map(({ user, input, output }, i) => {
    const who = `${user} <${user}@example.org> ${1_767_225_600 + i * 3600} +0000`;
    const data = (text: string) => `data ${Buffer.byteLength(text)}\n${text}\n`;
    const file = `M 100644 inline src/${input.split(' ').at(-1)}.ts\n${data(`${input} ${i}\n`)}`;
    return `commit refs/heads/main\nauthor ${who}\ncommitter ${who}\n${data(output)}${file}`;
  });
  await writeFile(join(place.folder, '../commits'), commits.join('\n'));
  const { code, output } = await place.run(
    'git init -q -b main . && git fast-import --quiet < ../commits && git reset -q --hard && echo new >> src/login.ts && git add src',
  );
  if (code !== 0) throw new Error(output);
}

/** Tables and benchmark files, by the names that the documents give them. */
async function writeTables(folder: string): Promise<void> {
  const csv = people().map(({ user, input, output, time }) =>
    [user, input, output, time].map(cell => JSON.stringify(cell)),
  );
  await writeFile(join(folder, 'posts.csv'), ['author,subject,text,time', ...csv.map(row => row.join(','))].join('\n'));
  const { questions, outputs } = lamp4();
  for (const name of ['dev_questions.json', 'dev_outputs.json']) {
    await writeFile(join(folder, name), JSON.stringify(name.includes('questions') ? questions : outputs));
  }
  await writeFile(join(folder, 'acl-lamp5_questions.json.gz'), gzipSync(JSON.stringify(questions)));
  await writeFile(join(folder, 'acl-lamp5_outputs.json.gz'), gzipSync(JSON.stringify(outputs)));
  const headlines = join(folder, 'data/news_headline');
  await mkdir(headlines, { recursive: true });
  const users = questions.map(({ id, input, profile }) => ({
    user_id: id,
    query: [{ id, input, gold: 'x' }],
    profile,
  }));
  await writeFile(join(headlines, 'user_top_100_history.json'), JSON.stringify(users));
  await writeFile(join(headlines, 'user_top_100_history_label.json'), JSON.stringify(outputs));
  await cp(join(ROOT, 'tests/fixtures/longlamp/abstract_generation_user'), join(folder, 'abstract_generation_user'), {
    recursive: true,
  });
}
