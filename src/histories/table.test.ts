/** Tables as products export them: quotes, line breaks inside cells, other names, and everything that goes wrong. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect } from './collect.ts';
import { importTable, type TableColumns, type TableOptions, tableColumns } from './table.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-table-'));
});
afterAll(() => rm(folder, { recursive: true }));

const POSTS: TableColumns = { user: 'author', input: 'subject', output: 'text', time: 'sent' };

/** Reads a table of this content; its errors begin with `posts`. */
async function read(
  content: string | Uint8Array,
  columns: TableColumns = POSTS,
  skipBad?: boolean,
  how: TableOptions = {},
) {
  const file = join(folder, 'posts');
  await writeFile(file, content);
  const skipped: string[] = [];
  try {
    const records = await collect(
      importTable(file, {
        ...how,
        columns,
        ...(skipBad && { skipBad }),
        onSkip: message => void skipped.push(message),
      }),
    );
    return { records, skipped: skipped.map(message => message.replace(file, 'posts')), problem: '' };
  } catch (error) {
    return { records: [], skipped, problem: (error as Error).message.replace(file, 'posts') };
  }
}

describe('CSV', () => {
  it('keeps quotes, separators and line breaks inside cells, and drops a byte order mark', async () => {
    const csv =
      '\ufeffauthor,subject,text,sent,likes\r\n' +
      'ada,"Re: ""lunch"", again","Yes,\r\nat noon.",2026-05-01,3\r\n' +
      '\r\n' +
      'grace,,ok,2026-05-02 08:00,\r\n';
    const expected = [
      { user: 'ada', input: 'Re: "lunch", again', output: 'Yes,\nat noon.', time: '2026-05-01T00:00:00.000Z' },
      { user: 'grace', input: '', output: 'ok', time: '2026-05-02T08:00:00.000Z' },
    ];
    expect((await read(csv)).records).toEqual(expected);
    expect((await read(gzipSync(csv))).records).toEqual(expected);
  });

  it('finds the separator in the header', async () => {
    for (const separator of [';', '\t', '|', ',']) {
      const csv = [['author', 'text', '"subject, if any"'].join(separator), ['ada', 'hi', 'x'].join(separator)].join(
        '\n',
      );
      const { records } = await read(csv, { user: 'author', output: 'text', input: 'subject, if any' });
      expect(records).toEqual([{ user: 'ada', input: 'x', output: 'hi' }]);
    }
  });

  it.each([
    ['sep=; of Excel', 'sep=;\r\nuser;output\r\nada;hi, you\r\n', 'hi, you'],
    ['CR line ends', 'user,output\rada,hi\r', 'hi'],
    ['sep=; and CR line ends', 'sep=;\ruser;output\rada;hi, you\r', 'hi, you'],
    ['sep=; after a byte order mark, CR line ends', '\ufeffsep=;\r\ruser;output\rada;"hi\ryou"', 'hi\nyou'],
    ['CR CR LF line ends', 'user,output\r\r\nada,hi\r\r\n', 'hi'],
  ])('reads %s', async (_, csv, output) => {
    expect((await read(csv, { input: '' })).records).toEqual([{ user: 'ada', input: '', output }]);
  });

  it.each([
    ['author,subject,text,sent\nada,a,"hi,2026\nbob,b,ho,2026\ncy,c,yo",2026\n', 'posts:2: cell 3 holds lines'],
    ['author,subject,text,sent\nada,a,"hi,2026\ncy,c,yo",2026\n', 'posts:2: cell 3 holds lines that look like rows'],
    ['author,subject,text,sent\nada,a,h\0i,2026\n', 'posts:2: there is a NUL character'],
  ])('%j: another row or a NUL never becomes part of a text', async (csv, problem) => {
    expect((await read(csv)).problem).toContain(problem);
  });

  it('reads files with CR line ends that are larger than the longest line', async () => {
    const text = 'x'.repeat(1_000_000);
    const { records, problem } = await read(`user,output\r${`ada,${text}\r`.repeat(17)}`, { input: '' });
    expect([records.length, problem]).toEqual([17, '']);
    expect(records.every(({ output }) => output === text)).toBe(true);
  });

  it('takes quotes for text where that is asked for', async () => {
    const tsv = 'user\toutput\t"sent"\nada\t5" disk\t2026\nbob\t"hi\t2026\ncy\t"a ""b"""\t\n';
    const columns = { input: '', time: '"sent"' };
    expect((await read(tsv, columns, false, { quote: 'none' })).records).toEqual([
      { user: 'ada', input: '', output: '5" disk', time: '2026-01-01T00:00:00.000Z' },
      { user: 'bob', input: '', output: '"hi', time: '2026-01-01T00:00:00.000Z' },
      { user: 'cy', input: '', output: '"a ""b"""' },
    ]);
    const short = await read('user\toutput\nada\thi\nada\n', { input: '' }, false, { quote: 'none' });
    expect(short.problem).toContain('posts:3: found 1 cells where the header has 2. With `quote` none no cell can');
  });

  it.each([
    'user\toutput\nada\t5" disk\n',
    'user\toutput\nada\t"hi\n',
    'user\tinput\toutput\nada\ta\t"hi\nbob\tb\tho\ncy\tc\tyo"\n',
  ])('%j: names the flag for quotes that are text', async tsv => {
    expect((await read(tsv, tsv.includes('input') ? {} : { input: '' })).problem).toContain(
      'If quotes are part of the text, as often in TSV, give `quote` none.',
    );
  });

  it('takes eight digits for a day', async () => {
    const { records } = await read('user,output,time\nada,hi,20240501\n', { input: '' });
    expect(records).toEqual([{ user: 'ada', input: '', output: 'hi', time: '2024-05-01T00:00:00.000Z' }]);
  });

  it('reads the columns of their own names, Unix seconds, truth, and no input where there is none', async () => {
    const csv = 'user,output,time,label\n7,hi,1700000000,t\n7,no,,FALSE\n7,so,2026,\n';
    expect((await read(csv, { input: '' })).records).toEqual([
      { user: '7', input: '', output: 'hi', time: '2023-11-14T22:13:20.000Z', label: true },
      { user: '7', input: '', output: 'no', label: false },
      { user: '7', input: '', output: 'so', time: '2026-01-01T00:00:00.000Z' },
    ]);
  });

  it.each([
    ['author,text\nada,hi\n', 'posts:1: there is no column "subject" (input); there are author, text. Name the right'],
    ['author,text,text,subject,sent\n', 'posts:1: there are several columns "text". Rename all but one.'],
    ['author,subject,text,sent\nada,"a\nb",,2026\n', 'posts:2: "text" is empty; it must be a string with'],
    ['author,subject,text,sent\nada,"a\nb",hi,2026\n\n ,a,b,\n', 'posts:5: "author" is " "; it must be a string with'],
    ['author,subject,text,sent\nada,a,hi,2026\nada,a,hi, you,2026\n', 'posts:3: found 5 cells where the header has 4.'],
    ['author,subject,text,sent\nada,a,hi,yesterday\n', 'posts:2: "sent" is "yesterday"; it must be an ISO 8601 date'],
    ['author,subject,text,sent\nada,a,hi,1700000000000\n', 'not milliseconds'],
    [
      'author,subject,text,sent\nada,a,hi,20241350\n',
      'posts:2: "sent" is "20241350"; a number of 5 to 8 digits must be',
    ],
    ['author,subject,text,sent\nada,a,hi,45413.5\n', 'such as 20260501. Write dates as 2026-05-01, or times as Unix'],
    ['author,subject,text,sent\nada,a,"hi\nada,b,ho,2026\n', 'the file ends inside a quoted cell. A quote inside'],
    [
      'author,subject,text,sent\nada,a,x,2026\nada,5" disk,b,\n',
      'posts:3: a quotation mark is in a place where CSV allows none.',
    ],
    ['author,subject,text,sent\n', 'posts has no rows: there is only a header.'],
    ['\n \n', 'posts has no rows: it is empty.'],
    ['', 'posts has no rows: it is empty.'],
    ['[{"author": "ada"}]', 'posts is a JSON list, not JSON Lines or CSV.'],
  ])('%j: says where and what', async (csv, problem) => {
    expect((await read(csv)).problem).toContain(problem);
  });

  it('says in which line the text is not UTF-8', async () => {
    const latin = Buffer.from('author,subject,text,sent\nada,a,hi,2026\nren\xe9,a,hi,2026\n', 'latin1');
    expect((await read(latin)).problem).toBe('posts:3: not valid UTF-8. Save the file as UTF-8.');
    const wide = Buffer.from('\ufeffauthor,subject', 'utf16le');
    expect((await read(wide)).problem).toBe('posts:1: not valid UTF-8 (it looks like UTF-16). Save the file as UTF-8.');
  });

  it('leaves bad rows out, and names them, where that is asked for', async () => {
    const csv = 'author,subject,text,sent\nada,a,,2026\nada,b,hi,2026\nada,b\n';
    const { records, skipped } = await read(csv, POSTS, true);
    expect(records.map(({ output }) => output)).toEqual(['hi']);
    expect(skipped).toHaveLength(2);
    expect(skipped[1]).toMatch(/^posts:4: found 2 cells/);
    expect((await read('author,subject,text,sent\nada,a,,2026\n', POSTS, true)).problem).toBe(
      'posts has no usable rows: all 1 were left out as bad.',
    );
  });
});

describe('JSON Lines of other names', () => {
  const line = (value: object) => `${JSON.stringify(value)}\n`;

  it('become records', async () => {
    const jsonl =
      line({ author: 4711, subject: '', text: 'first, "quoted"\nsecond', sent: 1_700_000_000, extra: [1] }) +
      line({ author: 'ada', subject: 'x', text: 'y' });
    expect((await read(jsonl)).records).toEqual([
      { user: '4711', input: '', output: 'first, "quoted"\nsecond', time: '2023-11-14T22:13:20.000Z' },
      { user: 'ada', input: 'x', output: 'y' },
    ]);
  });

  it('may end in CR', async () => {
    const { records } = await read('{"user": "ada", "output": "hi"}\r{"user": "bob", "output": "ho"}\r', { input: '' });
    expect(records.map(({ user }) => user)).toEqual(['ada', 'bob']);
  });

  it.each([
    [{ messages: [{ role: 'user', content: 'q' }] }, {}, '"user" is missing'],
    [{ prompt: [{ role: 'user', content: 'q' }], completion: [] }, {}, '"user" is missing'],
    [{ user: 'a', prompt: [{ from: 'human', value: 'q' }], output: 'y' }, { input: 'prompt' }, '"prompt" is a list'],
  ])('that are chats: %j', async (row, columns, problem) => {
    const { problem: found } = await read(line(row), columns);
    expect(found).toContain(`posts:1: ${problem}`);
    expect(found).toMatch(/ holds a conversation: write one line for each turn of a user, with "user"/);
  });

  it('keep the digits of numbers that name users', async () => {
    const row = (id: string) => `{"user": ${id}, "output": "hi"}\n`;
    const users = ['1234567890123456789', '1234567890123456790', '1.10', '1.1', '1e2', '12345678901234567.5', '-7'];
    const { records } = await read(users.map(row).join(''), { input: '' });
    expect(records.map(({ user }) => user)).toEqual(users);
  });

  it.each([
    [
      line({ author: 'ada', subject: 'a', text: 'b', sent: 5 }) + line({ author: 'ada', text: 'b' }),
      'posts:2: "subject"',
    ],
    [line({ author: 'ada', subject: 'a', text: '  ' }), 'posts:1: "text" is "  "; it must be'],
    [line({ author: 'ada', subject: 'a', text: 'b' }), 'posts: there is no column "sent" (time); there are author'],
    [`${line({ author: 'ada', subject: 'a', text: 'b', sent: 5 })}{"author": "a`, 'posts:2: not JSON'],
  ])('%j: says where and what', async (jsonl, problem) => {
    expect((await read(jsonl)).problem).toContain(problem);
  });
});

describe('dates as people write them', () => {
  const csv = (cell: string) => `author,subject,text,sent\nada,a,hi,"${cell}"\nada,a,no date,\n`;
  const jsonl = (cell: string) =>
    `${JSON.stringify({ author: 'ada', subject: 'a', text: 'hi', sent: cell })}\n` +
    `${JSON.stringify({ author: 'ada', subject: 'a', text: 'no date' })}\n`;

  it.each([
    ['dd.mm.yyyy', '31.03.2014 10:00', '2014-03-31T10:00:00.000Z'],
    ['dd.mm.yyyy', '1.2.2014', '2014-02-01T00:00:00.000Z'],
    ['mm/dd/yyyy', '3/31/2014', '2014-03-31T00:00:00.000Z'],
    ['mm/dd/yyyy', '03/04/2014 9:05:07', '2014-03-04T09:05:07.000Z'],
    ['dd/mm/yyyy', '03/04/2014, 23:59', '2014-04-03T23:59:00.000Z'],
  ] as const)('%s: %s', async (timeFormat, cell, time) => {
    for (const table of [csv, jsonl]) {
      const { records, problem } = await read(table(cell), POSTS, false, { timeFormat });
      expect(problem).toBe('');
      expect(records.map(record => record.time)).toEqual([time, undefined]);
    }
  });

  it.each([
    [undefined, '31.03.2014 10:00', ' Import the table with `timeFormat` dd.mm.yyyy.'],
    [undefined, '3/31/2014', ' Import the table with `timeFormat` mm/dd/yyyy.'],
    [undefined, '31/3/2014', ' Import the table with `timeFormat` dd/mm/yyyy.'],
    [
      undefined,
      '3/4/2014',
      ' Day and month cannot be distinguished here. Import the table with `timeFormat` dd/mm/yyyy or `timeFormat` mm/dd/yyyy.',
    ],
    [undefined, '31/31/2014', 'Each record needs user, input and output.'],
    ['dd.mm.yyyy', '2014-03-31', 'it must be dd.mm.yyyy, with hh:mm or hh:mm:ss after it or without (`timeFormat`).'],
    ['dd/mm/yyyy', '3/31/2014', '"sent" is "3/31/2014"; it must be dd/mm/yyyy'],
    ['dd/mm/yyyy', '31.3.2014', 'it must be dd/mm/yyyy'],
    ['dd.mm.yyyy', '30.02.2014', 'it must be dd.mm.yyyy'],
    ['dd.mm.yyyy', '01.02.2014 25:00', 'it must be dd.mm.yyyy'],
    ['dd.mm.yyyy', '1396260000', 'it must be dd.mm.yyyy'],
  ] as const)('%s, %s: says which format to name', async (timeFormat, cell, sentence) => {
    for (const [table, line] of [[csv, 2] as const, [jsonl, 1] as const]) {
      const { problem } = await read(table(cell), POSTS, false, { timeFormat });
      expect(problem).toContain(`posts:${line}: "sent" is "${cell}"; it must be `);
      expect(problem).toContain(sentence);
    }
  });
});

describe('what is said of times', () => {
  async function notes(content: string, how: TableOptions = {}) {
    const said: string[] = [];
    await read(content, how.columns ?? { input: '' }, false, { ...how, onNote: note => void said.push(note) });
    return said;
  }
  const csv = (name: string, ...cells: string[]) => `user,output,${name}\n${cells.map(c => `a,hi,${c}\n`).join('')}`;
  const jsonl = (name: string, ...cells: string[]) =>
    cells.map(cell => `${JSON.stringify({ user: 'a', output: 'hi', [name]: cell || null })}\n`).join('');

  it.each([
    ['created_at', ['x']],
    ['createdAt', ['x']],
    ['Date', ['']],
    ['Sent On', ['x']],
    ['order date', ['x']],
    ['timestamp', ['1700000000']],
    ['c', ['', '2026-05-01', '2026-05-02 08:00']],
    ['c', ['31.03.2014 10:00', '1.4.2014']],
    ['c', ['3/31/2014']],
  ])('a column "%s" of %j that is not read is named', async (name, cells) => {
    for (const table of [csv, jsonl]) {
      expect(await notes(table(name, ...cells))).toEqual([
        `the column "${name}" looks like times, and is not read. Give \`timeField\` '${name}' to read it. ` +
          "Without times, a user's latest texts are the last rows of the table.",
      ]);
    }
    const asInput = await read(csv(name, ...cells), { input: name }, false, {
      onNote: note => expect.fail(`said of a column that is read: ${note}`),
    });
    expect(asInput.records).toHaveLength(cells.length);
  });

  it.each([
    ['c', ['2026-05-01', 'soon']],
    ['c', ['', '']],
    ['c', ['1700000000']],
    ['update', ['x']],
    ['reading time', ['x']],
    ['time', ['2026-05-01']],
  ])('a column "%s" of %j is not', async (name, cells) => {
    for (const table of [csv, jsonl]) expect(await notes(table(name, ...cells))).toEqual([]);
  });

  it('names several, and none where one is read', async () => {
    const table = 'user,output,created,updated\na,hi,2026-05-01,2026-05-02\n';
    expect((await notes(table))[0]).toContain(
      'the columns "created", "updated" look like times, and none is read. Give `timeField` with the one to read.',
    );
    expect(await notes(table, { columns: { input: '', time: 'created' } })).toEqual([]);
  });

  it.each([
    [undefined, '2026-05-02 08:00'],
    [undefined, '2026-05-02T08:00:01'],
    ['dd.mm.yyyy', '02.05.2026 08:00'],
  ] as const)('%s: %s is read as UTC, which is said once', async (timeFormat, cell) => {
    for (const table of [csv, jsonl]) {
      expect(await notes(table('time', cell, cell), { timeFormat })).toEqual([
        `times without a zone, such as "${cell}", are read as UTC.`,
      ]);
    }
  });

  it.each(['2026-05-02', '2026-05-02 08:00Z', '2026-05-02 08:00 +0200', '2026-05-02 08:00 UTC', ''])(
    'nothing is said of %j',
    async cell => {
      for (const table of [csv, jsonl]) expect(await notes(table('time', cell))).toEqual([]);
    },
  );
});

describe('the columns of a table', () => {
  it('are the header of a CSV, or the fields of the first line', async () => {
    const file = join(folder, 'columns');
    await writeFile(file, '\ufeff"author"; text\nada;x\n');
    expect(await tableColumns(file)).toEqual(['author', 'text']);
    await writeFile(file, '\n{"who": 1, "what": 2}\n');
    expect(await tableColumns(file)).toEqual(['who', 'what']);
  });
});
