/** Chat templates: a model's own program for writing a conversation, run with bounds on its steps and its output. */

import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { withinTime } from '../common/time-limit.ts';
import { setting } from '../common/wording.ts';
import { formatDate } from './prompt-date.ts';

/** Templates in use take some hundred steps for a turn, and a few for each line where they take a text apart. */
const MOST_STEPS = 200_000;
const MOST_STEPS_PER_CHARACTER = 10;
/** What a template may add to a conversation, in characters; and values of a list. */
const MOST_ADDED = 1_000_000;
/** Behind the count of steps, for single steps that take long. */
const LONGEST_MS = 10_000;

/** What is used of the library here; its own types of these do not resolve. */
interface Scope {
  set(name: string, value: unknown): unknown;
}
interface Value {
  readonly value: unknown;
}
type Evaluator = new (scope: Scope) => { evaluate(statement: unknown, scope: Scope): Value };
const JinjaInterpreter: Evaluator = Interpreter;

export class ChatTemplate {
  readonly #program: unknown;
  readonly #variables: Readonly<Record<string, unknown>>;

  /**
   * @param specials the special tokens by their names
   * @param file     that errors name
   * @throws IdiolectError TOKENIZER for what is no template
   */
  constructor(source: string, specials: Readonly<Record<string, string | undefined>>, date: string, file: string) {
    try {
      this.#program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
    } catch (error) {
      throw new IdiolectError('TOKENIZER', `${file}: the chat template cannot be read (${reasonOf(error)}).`);
    }
    this.#variables = {
      ...specials,
      tools: null,
      documents: null,
      add_generation_prompt: true,
      date_string: formatDate(date, '%d %b %Y'),
      ...constants(date),
    };
  }

  /**
   * A prompt as the user's turn, with the assistant's turn opened.
   *
   * @throws IdiolectError TOKENIZER where the template refuses it or does not end
   */
  render(prompt: string): string {
    const environment: Scope = new Environment();
    for (const [name, value] of Object.entries(this.#variables)) environment.set(name, value);
    environment.set('messages', [{ role: 'user', content: prompt }]);
    const interpreter = new BoundedInterpreter(environment, prompt.length);
    let done: { readonly result: Value } | null;
    try {
      done = withinTime(LONGEST_MS, () => interpreter.evaluate(this.#program, environment));
    } catch (error) {
      return fail(reasonOf(error));
    }
    return done ? String(done.result.value) : fail(`it takes more than ${LONGEST_MS / 1000} seconds`);
  }
}

function fail(why: string): never {
  throw new IdiolectError('TOKENIZER', `the chat template failed (${why}). Use ${setting('chat')} never without it.`);
}

/** What every template finds, as transformers gives it, but for the clock. */
function constants(date: string): Record<string, unknown> {
  return {
    ...{ true: true, false: false, none: null, True: true, False: false, None: null },
    raise_exception: (message: unknown) => {
      throw new Error(String(message));
    },
    range: boundedRange,
    strftime_now: (format: unknown) => formatDate(date, String(format)),
  };
}

function boundedRange(...bounds: number[]): number[] {
  const [start, stop, step = 1] = bounds.length > 1 ? bounds : [0, bounds[0]];
  const length = Math.ceil((Number(stop) - Number(start)) / step);
  if (!(length <= MOST_STEPS)) throw new Error(`range() of more than ${MOST_STEPS} numbers`);
  return Array.from({ length: Math.max(0, length) }, (_, i) => Number(start) + i * step);
}

/** Every statement and expression of a template is evaluated through `evaluate`; here each is counted. */
class BoundedInterpreter extends JinjaInterpreter {
  readonly #mostSteps: number;
  readonly #longest: number;
  #steps = 0;

  constructor(environment: Scope, promptLength: number) {
    super(environment);
    this.#mostSteps = MOST_STEPS + MOST_STEPS_PER_CHARACTER * promptLength;
    this.#longest = promptLength + MOST_ADDED;
  }

  override evaluate(statement: unknown, environment: Scope): Value {
    if (++this.#steps > this.#mostSteps) throw new Error(`it takes more than ${this.#mostSteps} steps`);
    const value = super.evaluate(statement, environment);
    const content = value.value;
    if (typeof content === 'string' || Array.isArray(content)) {
      if (content.length > this.#longest) throw new Error(`it makes more than ${MOST_ADDED} characters of its own`);
    }
    return value;
  }
}
