import { describe, expect, it } from 'vitest';
import { markdownTable } from './markdown-table.ts';
import { paperTable } from './paper-table.ts';
import type { MetricResult, Results } from './results.ts';
import { resultsMarkdown } from './results-markdown.ts';

const estimate = (mean: number, half = 0.05) => ({ mean, low: mean - half, high: mean + half });
const measured = (mean: number): MetricResult => ({
  ...estimate(mean),
  values: [mean, mean, mean],
  byGroup: [
    { group: 'unique', users: 2, estimate: estimate(mean) },
    { group: 'middle', users: 1, estimate: estimate(mean, 0) },
  ],
});
const wins = { wins: 2, losses: 1, ties: 0, rate: 2 / 3, low: 0.21, high: 0.94 };

const results: Results = {
  users: ['ada', 'ben', 'cid'],
  queries: 4,
  anchor: 'cbpo',
  metrics: [
    { name: 'rouge1', title: 'ROUGE-1', better: 'higher', note: 'words shared.' },
    { name: 'macroF1', title: 'macro F1', better: 'higher', note: 'over all answers.' },
    { name: 'bleu', title: 'BLEU', better: 'higher', note: 'of single texts.' },
    { name: 'logLikelihood', title: 'log-likelihood', better: 'higher', note: 'nats a token.' },
    { name: 'style', title: 'style distance', better: 'lower', note: 'from earlier texts.' },
  ],
  methods: [
    {
      name: 'base',
      title: 'Base',
      description: 'the model, greedily.',
      metrics: {
        rouge1: measured(0.2),
        macroF1: { ...estimate(0.5), byGroup: [] },
        bleu: measured(21.25),
        logLikelihood: measured(-2),
        style: measured(0.4),
      },
    },
    {
      name: 'cbpo',
      title: 'C-BPO | ours',
      description: 'an adapter a user.',
      metrics: {
        rouge1: measured(0.25),
        macroF1: { ...estimate(0.45), byGroup: [] },
        bleu: measured(21.251),
        logLikelihood: measured(-1.5),
        style: measured(0.3),
      },
    },
  ],
  comparisons: [
    { method: 'base', metric: 'rouge1', ...estimate(0.05), p: 0.25, adjustedP: 0.25, winRate: wins },
    { method: 'base', metric: 'style', ...estimate(0.1), p: 0.0001, adjustedP: 0.0001, winRate: wins },
  ],
  pooledComparisons: [{ method: 'base', metric: 'macroF1', ...estimate(-0.05) }],
  ownTexts: { style: estimate(0.25) },
  notMeasured: [{ metric: 'attribution', reason: 'it needs two users' }],
};

/** A user id that is markup, ends a cell, clears a terminal, turns the direction of writing and begins a heading. */
const HOSTILE = 'a\\|`<img src=x>` *b* [c](d)\u001b[2J\u202e\n# e';
const INERT = 'a\\\\\\|\\`\\<img src=x\\>\\` \\*b\\* \\[c\\](d)\\\\u{1b}\\[2J\\\\u{202e}\\\\u{a}# e';

describe('a table', () => {
  it.each([HOSTILE, 'a\\', '\\|', '||'])('keeps its columns, whatever is in a cell: %j', cell => {
    const lines = markdownTable(['one', 'two'], [[cell, 'b']]).split('\n');
    expect(lines).toHaveLength(3);
    // A backslash takes the character after it; the pipes that are left part the cells.
    expect(lines.map(line => line.replaceAll(/\\./g, '').split('|').length)).toEqual([4, 4, 4]);
  });
});

describe('results as Markdown', () => {
  it('are tables to be read raw', () => {
    expect(resultsMarkdown(results, { title: 'Commits', notes: ['Three made-up users.'] })).toMatchInlineSnapshot(`
      "# Commits

      Three made-up users.

      3 users, 4 queries. Values are means over a user's answers, then over users, where the metric's note does not say otherwise, with 95% bootstrap intervals over users; the best mean of a column is bold, unless all are the same, ↑ says that higher is better, ↓ that lower is.

      | method        | ROUGE-1 ↑                | macro F1 ↑               | BLEU ↑            |
      | ------------- | ------------------------ | ------------------------ | ----------------- |
      | Base          | 0.200 [0.150, 0.250]     | **0.500** [0.450, 0.550] | 21.3 [21.2, 21.3] |
      | C-BPO \\| ours | **0.250** [0.200, 0.300] | 0.450 [0.400, 0.500]     | 21.3 [21.2, 21.3] |

      | method                 | log-likelihood ↑            | style distance ↓         |
      | ---------------------- | --------------------------- | ------------------------ |
      | Base                   | -2.000 [-2.050, -1.950]     | 0.400 [0.350, 0.450]     |
      | C-BPO \\| ours          | **-1.500** [-1.550, -1.450] | **0.300** [0.250, 0.350] |
      | users' own later texts |                             | 0.250 [0.200, 0.300]     |

      ## C-BPO | ours against each

      Differences are paired by user and positive where C-BPO | ours is better, whatever the metric. p: paired randomisation test, corrected after Holm for the rows of its table: where nothing differs, 5 of 100 such tables have a p of at most 0.05 in any row. Win rate: share of users for whom C-BPO | ours is better, ties half. A value over all answers together has a paired bootstrap interval alone.

      ### ROUGE-1 ↑

      | C-BPO \\| ours against | difference             | adjusted p | win rate          | wins/ties/losses |
      | --------------------- | ---------------------- | ---------- | ----------------- | ---------------- |
      | Base                  | +0.050 [0.000, +0.100] | 0.250      | 0.67 [0.21, 0.94] | 2/0/1            |

      ### macro F1 ↑

      | C-BPO \\| ours against | difference             |
      | --------------------- | ---------------------- |
      | Base                  | -0.050 [-0.100, 0.000] |

      ### style distance ↓

      | C-BPO \\| ours against | difference              | adjusted p | win rate          | wins/ties/losses |
      | --------------------- | ----------------------- | ---------- | ----------------- | ---------------- |
      | Base                  | +0.100 [+0.050, +0.150] | <0.001     | 0.67 [0.21, 0.94] | 2/0/1            |

      ## By uniqueness of the users

      ### ROUGE-1 ↑ by group

      | method        | unique (2 users)     | middle (1 user) |
      | ------------- | -------------------- | --------------- |
      | Base          | 0.200 [0.150, 0.250] | 0.200           |
      | C-BPO \\| ours | 0.250 [0.200, 0.300] | 0.250           |

      ### style distance ↓ by group

      | method        | unique (2 users)     | middle (1 user) |
      | ------------- | -------------------- | --------------- |
      | Base          | 0.400 [0.350, 0.450] | 0.400           |
      | C-BPO \\| ours | 0.300 [0.250, 0.350] | 0.300           |

      ## What the methods are

      - **Base** (\`base\`): the model, greedily.
      - **C-BPO | ours** (\`cbpo\`): an adapter a user.

      ## What the metrics are

      - **ROUGE-1** (higher is better): words shared.
      - **macro F1** (higher is better): over all answers.
      - **BLEU** (higher is better): of single texts.
      - **log-likelihood** (higher is better): nats a token.
      - **style distance** (lower is better): from earlier texts.
      - \`attribution\` was not measured: it needs two users.
      "
    `);
  });

  it('have the paper’s values where these are given', () => {
    const text = resultsMarkdown(results, { title: 'Headlines', notes: [], paper: paperTable('LaMP-4')! });
    expect(text).toContain('## The paper on LaMP-4');
  });

  it('mark no best where all have the same value', () => {
    const methods = results.methods.map(method => ({ ...method, metrics: { ...method.metrics, rouge1: measured(0) } }));
    const text = resultsMarkdown({ ...results, methods }, { title: 'Ties', notes: [] });
    expect(text).not.toContain('**0.000**');
    expect(text).toContain('**-1.500**');
  });

  it('say below each table what has to be known of its values', () => {
    const remark = 'no record fitted in 43 of 43 prompts: equals TAM';
    const methods = results.methods.map(method => (method.name === 'base' ? { ...method, remark } : method));
    const text = resultsMarkdown({ ...results, methods }, { title: 'Remarks', notes: [] });
    // Two main tables, three of comparisons.
    expect(text.match(/^\| Base \(1\) /gm)).toHaveLength(5);
    expect(text.split(`\n\nBase (1): ${remark}.\n`)).toHaveLength(6);
  });

  it('say below each table what has to be known of a metric', () => {
    const remark = 'rests on digits and a-z alone';
    const metrics = results.metrics.map(metric => (metric.name === 'rouge1' ? { ...metric, remark } : metric));
    const text = resultsMarkdown({ ...results, metrics }, { title: 'Remarks', notes: [] });
    expect(text).toContain('| ROUGE-1 † ↑');
    // Below the main table and that of the comparison.
    expect(text.split(`\n\n† ROUGE-1: ${remark}.\n`)).toHaveLength(3);
  });

  it('show a name from data as it is, whatever markup or hidden characters it holds', () => {
    const notMeasured = [{ metric: 'style' as const, reason: `"${HOSTILE}" has fewer` }];
    const text = resultsMarkdown({ ...results, notMeasured }, { title: HOSTILE, notes: [] });
    expect(text.split('\n')[0]).toBe(`# ${INERT}`);
    expect(text).toContain(`was not measured: "${INERT}" has fewer.`);
  });

  it('show no interval of a single user', () => {
    const text = resultsMarkdown({ ...results, users: ['ada'] }, { title: 'One', notes: [] });
    expect(text).toMatch(/\| Base +\| 0\.200 +\|/);
  });
});
