/** Run folders, whose files we wrote ourselves: a run that ended is scored, one that was stopped continues. */
import { join } from 'node:path';
import { readUserSplit } from '../../../src/histories/index.ts';
import { resolveSettings, train, trainSchema } from '../../../src/index.ts';
import { StageCosts } from '../../../src/jobs/compare/stages.ts';
import { forget } from '../../../src/jobs/forget.ts';
import { readRun } from '../../../src/jobs/open-run.ts';
import { scoreRun, scoreSchema } from '../../../src/jobs/score/held-out.ts';
import { ReferenceCache } from '../../../src/language-model/reference-cache.ts';
import { RunFolder } from '../../../src/runs/run-folder.ts';
import { DATA, MODEL, RUN, STOPPED } from '../corpus.ts';
import { filesIn, type Kind } from '../kind.ts';

const COSTS = [
  { stage: 'search: SFT', seconds: 1.5, detail: '3 tries, 2 users' },
  { stage: 'scoring: base', seconds: 0.25, detail: '2 users' },
];
const DIVISION = { version: 1, data: 'f'.repeat(64), seed: 0, targets: ['ada'], others: ['grace', 'linus'] };

/** The settings of the corpus's runs: what `idiolect train` was called with. */
const asBefore = (folder: string, out: string) =>
  resolveSettings(trainSchema, [
    {
      origin: 'corpus',
      values: {
        ...{ model: join(folder, MODEL), data: join(folder, DATA), cache: join(folder, 'cache'), out },
        ...{ epochs: 1, saveEvery: 1, klEvery: 0, threads: 1, rank: 2 },
      },
    },
  ]);

export const runs: Kind = async corpus => {
  const ended = await filesIn(join(corpus, RUN));
  const stopped = await filesIn(join(corpus, STOPPED));
  const files = {
    ...ended,
    'costs.jsonl': Buffer.from(COSTS.map(cost => `${JSON.stringify(cost)}\n`).join('')),
    'users.json': Buffer.from(JSON.stringify(DIVISION)),
    'scores/ada.txt': Buffer.from(`${'a'.repeat(32)} 5 -12.5 .\n`),
  };
  const score = (run: string) =>
    scoreRun(scoreSchema.parse({ run, cache: join(corpus, 'cache'), users: 'ada', threads: 1 }));
  return [
    {
      name: 'the files by themselves',
      files,
      read: async folder => {
        const run = new RunFolder(folder);
        await run.readMetrics();
        await run.truncateMetrics('ada', 1);
        await new StageCosts(folder, () => 0).all();
        await ReferenceCache.at(run.scoresOf('ada'));
        await run.readOverlaps();
        await readRun({ run: folder });
        await readUserSplit(run.usersFile);
      },
    },
    {
      name: 'score',
      files: ended,
      damaged: Object.keys(ended).filter(name => !name.includes('grace') && !name.endsWith('.md')),
      read: score,
    },
    {
      name: 'forget',
      files: { ...ended, 'users.json': Buffer.from(JSON.stringify(DIVISION)) },
      read: folder => forget('ada', { out: folder, cache: join(folder, 'cache') }),
    },
    {
      name: 'train --out of a run that was stopped',
      files: stopped,
      read: folder => train(asBefore(corpus, folder), { version: 'fuzz' }),
    },
  ];
};
