import { describe, expect, it } from 'vitest';
import { paperSection, paperTable } from './paper-table.ts';

describe('the paper’s main table', () => {
  it('is found by any name of a task, where the paper has it', () => {
    const names = ['abstract_generation', 'product_review', 'topic writing', 'news_headline', 'lamp5'];
    const found = names.map(name => {
      const { task, rows } = paperTable(name)!;
      const { title, rouge1, rougeL } = rows.at(-1)!;
      return [task, title, rouge1, rougeL];
    });
    expect(found).toEqual([
      ['abstract generation', 'C-BPO', 0.398, 0.269],
      ['review writing', 'C-BPO', 0.353, 0.154],
      ['topic writing', 'C-BPO', 0.291, 0.118],
      ['LaMP-4', 'C-BPO', 0.215, 0.198],
      ['LaMP-5', 'C-BPO', 0.539, 0.481],
    ]);
    expect(paperTable('LaMP-3')).toBeUndefined();
    expect(() => paperTable('poems')).toThrow('there is no task "poems"');
  });

  it('stands beside our values of the same methods', () => {
    const rouge1 = { mean: 0.2, low: 0.1, high: 0.3, byGroup: [] };
    const methods = [{ name: 'cbpo', title: 'C-BPO', description: '', metrics: { rouge1 } }];
    expect(paperSection(paperTable('LaMP-4')!, { methods })).toMatchInlineSnapshot(`
      "## The paper on LaMP-4

      The paper's backbone is Mistral-7B-Instruct-v0.3 and its users are its own choice, so that levels cannot be compared with another backbone's, only which method is ahead of which and by how much.

      | method | paper ROUGE-1 | here  | paper ROUGE-L | here |
      | ------ | ------------- | ----- | ------------- | ---- |
      | Base   | 0.119         |       | 0.105         |      |
      | OPPU   | 0.203         |       | 0.182         |      |
      | CoPe   | 0.205         |       | 0.184         |      |
      | BCO    | 0.197         |       | 0.179         |      |
      | C-BPO  | 0.215         | 0.200 | 0.198         |      |"
    `);
  });
});
