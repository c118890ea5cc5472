import { describe, expect, it } from 'vitest';
import { findTask, namedTask, taskLabels, taskPreset, withoutInstruction } from './tasks.ts';

const rouge = ['rouge1', 'rougeL'];

describe('taskPreset', () => {
  it.each([
    ['LaMP-1', ['accuracy'], 100],
    ['LaMP-2M', ['accuracy', 'macroF1'], 100],
    ['LaMP-2N', ['accuracy', 'macroF1'], 100],
    ['LaMP-3', ['mae', 'rmse'], 100],
    ['LaMP-4', rouge, 100],
    ['LaMP-5', rouge, 100],
    ['LaMP-6', rouge, 100],
    ['LaMP-7', rouge, 100],
    ['abstract_generation', [...rouge, 'meteor'], 600],
    ['product_review', [...rouge, 'meteor'], 600],
    ['topic_writing', [...rouge, 'meteor'], 600],
  ])('%s', (name, metrics, maxNewTokens) => {
    expect(taskPreset(name)).toEqual({ template: 'plain', metrics, maxNewTokens, maxWords: 768, maxLength: 2048 });
  });

  it('knows a task by all of its names, however spelled', () => {
    for (const name of ['LaMP-4', 'lamp_4', 'LaMP4', 'news_headline', 'news headline']) {
      expect(namedTask(name).name).toBe('LaMP-4');
    }
    for (const name of ['review writing', 'review_writing', 'product_review', 'product-review']) {
      expect(namedTask(name).name).toBe('review writing');
    }
    expect(() => taskPreset('LaMP-8')).toThrow('there is no task "LaMP-8". Known: LaMP-1 (citation), LaMP-2M');
  });
});

describe('findTask', () => {
  it('goes by the words of a query, and says where they are those of another task', () => {
    const headline = 'Generate a headline for the following article: x';
    expect(findTask('f.json', undefined, headline).name).toBe('LaMP-4');
    expect(() => findTask('f.json', 'lamp-5', headline)).toThrow(
      'f.json holds queries of LaMP-4; expected those of La',
    );
  });
});

describe('taskLabels', () => {
  it.each([
    ['lamp-1', 'For an author who has written the paper with the title "x", which', ['[1]', '[2]']],
    ['LaMP-2M', 'Which tag ...? tags: [sci-fi, based on a book] description: [x]', ['sci-fi', 'based on a book']],
    ['LaMP-2N', 'Which category ...? categories: [food & drink, x] article: y', ['food & drink', 'x']],
    ['product_rating', 'What is the score of the following review', ['1', '2', '3', '4', '5']],
    ['LaMP-4', 'Generate a headline: [x, y]', undefined],
  ])('%s', (task, query, labels) => {
    expect(taskLabels(task, query)).toEqual(labels);
  });
});

describe('withoutInstruction', () => {
  it.each([
    ['lamp-5', 'Generate a title for the following abstract of a paper: On words.', 'On words.'],
    ['LaMP-2N', 'Which category ...? article: x', 'Which category ...? article: x'],
    ['LaMP-2N', 'Which category does this article relate to among these? categories: [a, b] article: War.', 'War.'],
    ['lamp-1', 'For an author who has written the paper with the title "T", which?', '"T", which?'],
    ['lamp-1', 'Generate an abstract for the title "T"', '"T"'],
    ['lamp-7', 'Write a tweet.', ''],
  ])('%s: %s', (task, input, rest) => {
    expect(withoutInstruction(task, input)).toBe(rest);
  });
});
