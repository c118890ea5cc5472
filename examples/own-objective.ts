/**
 * An objective of your own, here in the manner of SimPO (Meng et al. 2024): the reward of a text is its mean
 * log-probability per token, without a reference, and own texts should be ahead of others' by a margin. `train` runs it
 * like a built-in one, `scoreRun` says what it did, and `compare` puts it beside the others as a method of its own.
 *
 *   node examples/own-objective.ts
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { detach, mul, scale, softplus, sub } from '../src/graph/index.ts';
import { writeHistories } from '../src/histories/index.ts';
import {
  compare,
  type MethodSpec,
  type Objective,
  runSentences,
  scoreRun,
  type TrainableObjective,
  train,
} from '../src/index.ts';
import { column, columnInput, countGroups, requireBothGroups, weightedSum } from '../src/objectives/index.ts';
import { resultRows, table } from '../src/terminal/index.ts';
import { habitualHistories } from './habits.ts';
import { writeTinyBackbone } from './tiny-backbone.ts';

const MARGIN = 1;

/** L = softplus(margin - beta (mean over own texts of log pi / tokens - the same over others')) */
function simpo({ beta }: { readonly beta: number }): Objective {
  return {
    name: 'simpo',
    // All that shapes the graph: a run that continues, and sessions that are used again, are distinguished by it.
    signature: `simpo ${beta} ${MARGIN}`,
    needsReference: false,
    needsMismatched: false,
    initialState: {},

    build(g, sequenceLogProbs) {
      const perToken = mul(g, sequenceLogProbs, columnInput(g, 'one_by_tokens', sequenceLogProbs));
      const over = (name: string) => weightedSum(g, perToken, columnInput(g, name, sequenceLogProbs));
      const lead = sub(g, over('target_share'), over('auxiliary_share'));
      g.output('metric.lead', detach(g, lead)); // stands in metrics.jsonl, step by step
      return softplus(g, sub(g, g.scalar(MARGIN), scale(g, lead, beta)));
    },

    feeds(examples) {
      const counts = countGroups(examples);
      requireBothGroups('SimPO', counts);
      return {
        one_by_tokens: column(examples, ({ completionTokens }) => 1 / completionTokens),
        target_share: column(examples, ({ group, weight }) => (group === 'target' ? weight / counts.target : 0)),
        auxiliary_share: column(examples, ({ group }) => (group === 'auxiliary' ? 1 / counts.auxiliary : 0)),
      };
    },
  };
}

// How a run uses it: batches hold others' records beside the user's own, and --beta reaches the loss.
const objective: TrainableObjective = { name: 'simpo', records: 'others', create: simpo };

const folder = await mkdtemp(join(tmpdir(), 'idiolect-'));
const model = join(folder, 'backbone');
const data = join(folder, 'histories.jsonl');
const cache = join(folder, 'cache');
await writeTinyBackbone(model);
await writeHistories(data, habitualHistories(40));

const shared = { model, data, cache, beta: 2, epochs: 15, targetModules: 'all-linear' };
const run = await train(
  { ...shared, out: join(folder, 'run'), method: 'simpo', lr: 3e-3 },
  {
    objectives: [objective],
    onEvent(event) {
      if (event.type !== 'adapter') return;
      const { loss, lead } = event.metrics;
      console.log(`${event.user}: loss ${loss!.toFixed(3)}, own texts ahead by ${lead!.toFixed(3)} nats a token`);
    },
  },
);
const scores = await scoreRun({ run: run.run, cache });
for (const sentence of runSentences(scores)) console.log(sentence);

// A method of a comparison is an objective with a prompt, a model to start from and a title; retrieval goes on top of it.
const method: MethodSpec = {
  name: 'simpo',
  title: 'SimPO',
  model: 'base',
  prompt: 'plain',
  training: { name: 'simpo', method: 'simpo' },
  summary: 'own texts ahead of others’ by a margin, without a reference',
};
const { results, report } = await compare(
  {
    ...{ ...shared, out: join(folder, 'comparison'), methods: ['base', 'oppu', 'simpo', 'rag+simpo'] },
    ...{ targetUsers: 3, developmentUsers: 0, skipAdaptation: true, rates: [3e-3], maxTokens: 24 },
  },
  { objectives: [objective], methods: [method] },
);
console.log(table(resultRows(results)));
if (!(await readFile(report, 'utf8')).includes('RAG + SimPO')) throw new Error('the report lacks the method');
await rm(folder, { recursive: true });
