/** Texts as one file of token ids: unsigned 16-bit, little-endian, every document closed by the end token. */
import { open, rename, rm } from 'node:fs/promises';
import { IdiolectError } from '../common/errors.ts';
import { stagingPath } from '../common/files.ts';
import { readInput } from '../common/input-file.ts';
import { outputError } from '../common/output-error.ts';

const LARGEST = 0xffff;

/** A buffer of Node cannot be filled from a file beyond this. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * Encodes documents one after the other; the file takes its name when it is whole.
 *
 * @param encode the ids of a document, without the end token
 * @returns the number of tokens written
 * @throws IdiolectError TOKENIZER when an id does not fit 16 bits
 */
export async function writeTokens(
  file: string,
  documents: AsyncIterable<string> | Iterable<string>,
  encode: (text: string) => ArrayLike<number>,
  endId: number,
): Promise<number> {
  const staging = stagingPath(file);
  const handle = await open(staging, 'w').catch(error => {
    throw outputError(file, error);
  });
  let total = 0;
  try {
    let pending: number[] = [];
    const flush = async () => {
      const bytes = Buffer.alloc(2 * pending.length);
      pending.forEach((id, i) => void bytes.writeUInt16LE(id, 2 * i));
      await handle.writeFile(bytes);
      total += pending.length;
      pending = [];
    };
    for await (const document of documents) {
      const ids = encode(document);
      for (let i = 0; i <= ids.length; i++) {
        const id = i < ids.length ? ids[i]! : endId;
        if (id > LARGEST) {
          throw new IdiolectError(
            'TOKENIZER',
            `token id ${id} does not fit the 16 bits of a token file; use a tokenizer of at most ${LARGEST + 1} entries.`,
          );
        }
        pending.push(id);
      }
      if (pending.length >= 1 << 16) await flush();
    }
    await flush();
    await handle.sync();
  } catch (error) {
    await rm(staging, { force: true }).catch(() => {});
    throw outputError(file, error);
  } finally {
    await handle.close();
  }
  await rename(staging, file);
  return total;
}

/** @throws IdiolectError DATA when the file cannot be read or ends inside a token */
export async function readTokens(file: string): Promise<Uint16Array> {
  const bytes = await readInput(file, { most: MOST_BYTES });
  if (bytes.length % 2 > 0) {
    throw new IdiolectError('DATA', `${file} holds ${bytes.length} bytes, no whole number of tokens; make it again.`);
  }
  const tokens = new Uint16Array(bytes.length / 2);
  for (let i = 0; i < tokens.length; i++) tokens[i] = bytes.readUInt16LE(2 * i);
  return tokens;
}
