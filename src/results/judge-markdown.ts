/** What the judge of a comparison said, as Markdown: what was asked of whom, what came of it, and what to make of it. */
import { type JudgeResults, LONGEST, SHOWN } from './judge-results.ts';
import { markdownCode, markdownTable, markdownText } from './markdown-table.ts';

/** A section of the report. */
export function judgeSection({ model, url, anchor, users, queries, results }: JudgeResults): string {
  const rows = results.map(({ title, rate, wins, ties, losses, disagreements, unreadable, asked }) => {
    const interval = users === 1 ? '' : ` [${rate.low.toFixed(2)}, ${rate.high.toFixed(2)}]`;
    const counts = [disagreements, unreadable, asked].map(String);
    return [title, `${rate.mean.toFixed(2)}${interval}`, `${wins}/${ties}/${losses}`, ...counts];
  });
  return [
    '## What a language model says',
    `${markdownCode(model)} at ${markdownText(url)} was shown, for ${queries} of the queries, up to ${SHOWN} earlier texts of the user, the request, and two answers without names: ${anchor}'s and another method's. It was asked which reads more like the user; what the user wrote to that request it did not see. Texts are cut after ${LONGEST.toLocaleString('en')} characters. Each pair was asked about in both orders at temperature 0: where the two verdicts differ (order-dependent), or one cannot be read (no verdict), the pair is a tie; answers that are the same are a tie unasked. Win rate: share of a user's pairs that ${anchor} wins, ties half, as the mean over users${users === 1 ? '' : ', with its 95% bootstrap interval over users'}.`,
    "LLM judges prefer longer texts and texts like their own (Zheng et al. 2023, arXiv 2306.05685), whoever the user is; this is one model's opinion, and no person was asked.",
    markdownTable(
      [`${anchor} against`, 'win rate', 'wins/ties/losses', 'order-dependent', 'no verdict', 'pairs asked'],
      rows,
    ),
  ].join('\n\n');
}
