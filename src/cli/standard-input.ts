/** Reads text piped into a command. */
import { IdiolectError } from '../common/errors.ts';

/** Far more than any useful prompt or diff, and still little memory. */
const MOST_CHARACTERS = 64 * 2 ** 20;

/**
 * @param advice what to do where it is too long
 * @throws IdiolectError DATA for more than 67,108,864 characters, without waiting for the end
 */
export async function readStandardInput(
  advice: string,
  input: AsyncIterable<string> = process.stdin.setEncoding('utf8'),
  most = MOST_CHARACTERS,
): Promise<string> {
  const pieces: string[] = [];
  let length = 0;
  for await (const piece of input) {
    length += piece.length;
    if (length > most) {
      throw new IdiolectError('DATA', `standard input has more than the ${most} characters that are read. ${advice}`);
    }
    pieces.push(piece);
  }
  return pieces.join('');
}
