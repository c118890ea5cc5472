/** What a model reads before its weights are rounded, so that its large channels are known. */
import type { ModelConfig } from '../model/config.ts';
import type { Tokenizer } from '../model/tokenizer.ts';

/** Most tokens of a text. */
const LENGTH = 256;

/** The texts as token ids of a model. */
export function calibrationSequences(
  tokenizer: Tokenizer,
  { vocabSize, maxPositions }: Pick<ModelConfig, 'vocabSize' | 'maxPositions'>,
): number[][] {
  return TEXTS.map(({ prompt, completion }) =>
    [...tokenizer.encodePrompt(prompt), ...tokenizer.encodeCompletion(completion)]
      .filter(id => id < vocabSize)
      .slice(0, Math.min(LENGTH, maxPositions)),
  );
}

/**
 * The kinds of writing that histories hold, written for this purpose.
 * A change to them is a change to every 8-bit base, which RECIPE in int8-base.ts has to follow.
 */
const TEXTS: readonly { readonly prompt: string; readonly completion: string }[] = [
  {
    prompt: 'Write a reply to this email: Hi Dana, can we move Thursday’s review to next week? Two of us are away.',
    completion:
      'Hi Tom, next week works. Tuesday after 2 pm or Wednesday morning would suit me best. I’ll send a new invitation ' +
      'once you tell me which, and I’ll share the draft agenda beforehand so that nobody has to read it in the meeting. ' +
      'Have a good trip!\n\nBest,\nDana',
  },
  {
    prompt: 'Write the commit message for this change: the parser now rejects dates before 1970.',
    completion:
      'parser: reject dates before 1970\n\nNegative timestamps wrapped around when they were stored as unsigned 32-bit ' +
      'integers. Return ERANGE instead, and add a test for 1969-12-31T23:59:59Z.\n\nFixes #482',
  },
  {
    prompt: 'someone in the channel asks: my wifi drops every few minutes after the update, any ideas?',
    completion:
      'which card is it? run lspci -k | grep -A3 Network and paste it. if it says iwlwifi try turning power saving off, ' +
      'that fixed mine: sudo iw dev wlan0 set power_save off',
  },
  {
    prompt: 'Write a headline for a report on a city council that approved a new tram line after six years of debate.',
    completion: 'After six years of argument, council says yes to the northern tram',
  },
  {
    prompt: 'Answer the question: How do I reverse a list in Python without changing the original?',
    completion:
      'Use a slice with a step of -1, which makes a new list:\n\n```python\nnumbers = [3, 1, 4, 1, 5]\n' +
      'backwards = numbers[::-1]\nprint(backwards)  # [5, 1, 4, 1, 3]\n```\n\n`list(reversed(numbers))` does the same ' +
      'and may read better. Note that `numbers.reverse()` works in place and returns `None`.',
  },
  {
    prompt: 'Summarise the statement in one paragraph.',
    completion:
      'WASHINGTON – Two senators today introduced a bill that would give rural hospitals $1.2 billion over five years. ' +
      '“No family should have to drive ninety miles for an emergency room,” one of them said. The bill now goes to the ' +
      'Committee on Health, which is expected to take it up before the end of the session.',
  },
  {
    prompt: 'Give a title to a paper that compares ways of aligning words across languages with little data.',
    completion: 'How Little Is Enough? Cross-Lingual Word Alignment in Low-Resource Settings',
  },
  {
    prompt: 'Review this product: a kettle, 1.7 litres, stainless steel.',
    completion:
      'Boils fast and looks good, BUT the lid is stiff and the handle gets hot if you fill it past the line. Three stars. ' +
      'I’ve owned it for 4 months now and there’s already some rust at the bottom (hard water here, to be fair).',
  },
  {
    prompt: 'Continue the story: The lighthouse had been dark for eleven days when the boat arrived.',
    completion:
      'Nobody came down to the landing. Ines tied up alone, counted the steps as she had when she was small, and stopped at ' +
      'the one that was always loose. Somebody had mended it. Above her the wind worked at a door that would neither close ' +
      'nor open, and beneath the wind there was a sound she took at first for the sea.',
  },
  {
    prompt: 'What does this function do?\n\nfunction f(xs) { return xs.reduce((a, b) => Math.max(a, b), -Infinity); }',
    completion:
      'It returns the largest number in an array. The reduction starts from `-Infinity`, so an empty array gives `-Infinity` ' +
      'rather than an error, and each step keeps the larger of two values. Unlike `Math.max(...xs)`, it also works for ' +
      'arrays too long to be spread into arguments.',
  },
  {
    prompt: 'Translate into German and French: The meeting starts at nine.',
    completion: 'Die Besprechung beginnt um neun Uhr. / La réunion commence à neuf heures.',
  },
  {
    prompt: 'Post about your weekend.',
    completion:
      'ok so we tried to bake bread and it came out as a brick 😅 neighbours’ dog liked it though!! 10/10 would bake again. ' +
      'photos below, don’t judge... #sourdough #fail',
  },
];
