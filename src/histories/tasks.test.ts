import { describe, expect, it } from 'vitest';
import { findTask, namedTask, taskPreset } from './tasks.ts';

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

  it('has presets where there is nothing to train on, and refuses to train there', () => {
    expect(() => findTask('file.json', 'lamp-7', '')).toThrow('file.json: LaMP-7 asks to paraphrase a text, but');
    expect(() => findTask('file.json', 'citation', '')).toThrow('file.json: LaMP-1 asks which of two papers');
  });
});
