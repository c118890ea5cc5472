/** The command that makes histories of a table, spelled out for the columns it has. */
import { printable } from '../common/printable.ts';
import { quoted } from '../common/shell.ts';
import { isTimeName } from './time-columns.ts';

/** What products call the fields of a record. */
const NAMES = {
  user: ['user', 'user_id', 'userid', 'author', 'author_id', 'from', 'sender', 'name', 'customer'],
  input: ['input', 'prompt', 'instruction', 'question', 'subject', 'request', 'context'],
  output: ['output', 'completion', 'response', 'answer', 'text', 'body', 'message', 'content', 'comment', 'chosen'],
  time: ['time', 'date', 'timestamp', 'created_at', 'created', 'sent', 'sent_at', 'datetime'],
} as const;

/** The column that by its name holds this field; undefined where none does. */
export function columnFor(field: keyof typeof NAMES, columns: readonly string[]): string | undefined {
  const lower = columns.map(name => name.toLowerCase());
  const found = NAMES[field].map(name => lower.indexOf(name)).find(index => index >= 0);
  return found === undefined ? undefined : columns[found];
}

/**
 * Such as `idiolect import table mail.csv --user-field from --input-field subject --output-field body --out mail.jsonl`.
 * A column that cannot be guessed is a word in capitals to replace.
 */
export function importCommand(file: string, columns: readonly string[]): string {
  const [user, output] = [columnFor('user', columns) ?? 'WHO', columnFor('output', columns) ?? 'TEXT'];
  const [input, time] = [columnFor('input', columns) ?? '', columnFor('time', columns) ?? columns.find(isTimeName)];
  const flags = [`--user-field ${quoted(user)}`, `--input-field ${quoted(input)}`, `--output-field ${quoted(output)}`];
  if (time !== undefined) flags.push(`--time-field ${quoted(time)}`);
  const base = file.replace(/\.gz$/, '').replace(/\.[^./\\]+$/, '');
  const target = `${base}${file === `${base}.jsonl` ? '-histories' : ''}.jsonl`;
  const missing = [user === 'WHO' && 'WHO', output === 'TEXT' && 'TEXT'].filter(Boolean).join(' and ');
  const hint = missing === '' ? '' : ` (replace ${missing}; the columns are ${printable(columns.join(', '))})`;
  return `idiolect import table ${quoted(file)} ${flags.join(' ')} --out ${quoted(target)}${hint}`;
}

/** What to make of a row that holds a chat; empty where it holds none. */
export function conversationHint(row: object): string {
  const chat = Object.entries(row).find(([field, value]) => CHAT_FIELDS.includes(field) || isTurns(value));
  if (chat === undefined) return '';
  const who = 'with "user" (whose text it is), "input" (the turns before) and "output" (that user\'s turn)';
  return `"${printable(chat[0])}" holds a conversation: write one line for each turn of a user, ${who}, then train on that file.`;
}

const CHAT_FIELDS = ['messages', 'conversations'];

/** `[{"role": ..., "content": ...}]`, or `[{"from": ..., "value": ...}]`. */
function isTurns(value: unknown): boolean {
  const first: unknown = Array.isArray(value) ? value[0] : undefined;
  return typeof first === 'object' && first !== null && ('role' in first || 'from' in first);
}
