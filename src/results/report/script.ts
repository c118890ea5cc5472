/**
 * The script of the page, as text inside it: tables that sort, and the texts side by side. It never makes
 * markup of a string: elements are created, and texts are set as text. Plain ECMAScript 2020, for older phones.
 */

const SORTING = `
for (const table of document.querySelectorAll('table.sortable')) {
  const heads = [...table.tHead.rows[0].cells];
  const valueOf = (row, column) => Number(row.cells[column].dataset.value ?? NaN);
  heads.forEach((head, column) => {
    head.querySelector('button').addEventListener('click', () => {
      const before = head.getAttribute('aria-sort');
      const order = before ? (before === 'ascending' ? 'descending' : 'ascending') : head.dataset.first;
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', order);
      const sign = order === 'ascending' ? 1 : -1;
      const rows = [...table.tBodies[0].rows].sort((a, b) => {
        const [x, y] = [valueOf(a, column), valueOf(b, column)];
        // What was not measured comes last in either order.
        return Number.isNaN(x) - Number.isNaN(y) || sign * (x - y) || 0;
      });
      table.tBodies[0].append(...rows);
    });
  });
}`;

const TEXTS = `
const element = id => document.getElementById('texts-' + id);
const data = JSON.parse(element('data').textContent);
const make = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};
const body = text => {
  const made = make('p', text.trim() === '' ? 'body empty' : 'body', text.trim() === '' ? '(empty)' : text);
  made.dir = 'auto';
  return made;
};
const short = (text, length) => {
  const line = text.replace(/\\s+/g, ' ').trim();
  const characters = [...line];
  return characters.length > length ? characters.slice(0, length).join('') + '…' : line;
};
const options = (select, names) => {
  select.replaceChildren(...names.map((name, place) => {
    const option = make('option', '', name);
    option.value = place;
    return option;
  }));
};
const given = input => {
  const box = make('div', 'given');
  if ([...input].length <= 280 && input.split('\\n').length <= 5) {
    box.append(make('h3', '', 'Asked'), body(input));
    return box;
  }
  const details = make('details');
  details.append(make('summary', '', 'Asked: ' + short(input, 140)), body(input));
  box.append(details);
  return box;
};
const answer = (method, { text, score }, best) => {
  const box = make('article', method.anchor ? 'anchor' : '');
  const head = make('h3', '', method.title);
  const notes = [data.measure + ' ' + score.toFixed(data.measure === 'chrF' ? 1 : 3)];
  if (best) notes.push('★ nearest here');
  if (method.anchor) notes.push('anchor');
  head.append(make('small', '', notes.join(' · ')));
  box.append(head, body(text));
  return box;
};
let user = 0;
let query = 0;
const show = () => {
  const { name, about, queries } = data.users[user];
  const { input, reference, answers } = queries[query];
  element('user').value = user;
  element('query').value = query;
  element('about').textContent = [name, 'query ' + (query + 1) + ' of ' + queries.length, about].filter(Boolean).join(' · ');
  const written = make('div', 'written');
  written.append(make('h3', '', 'What the user wrote'), body(reference));
  const best = Math.max(...answers.map(({ score }) => score));
  // What all have alike marks none of them.
  const differ = answers.some(({ score }) => score < best);
  const all = make('div', 'answers');
  all.append(...answers.map((one, place) => answer(data.methods[place], one, differ && one.score === best)));
  element('view').replaceChildren(given(input), written, all);
  element('previous').disabled = user === 0 && query === 0;
  element('next').disabled = user === data.users.length - 1 && query === queries.length - 1;
};
const choose = (newUser, newQuery) => {
  if (newUser !== user || newQuery === undefined) {
    options(element('query'), data.users[newUser].queries.map(({ input }, place) => (place + 1) + ': ' + short(input, 60)));
  }
  user = newUser;
  query = newQuery ?? 0;
  show();
};
const move = step => {
  const { queries } = data.users[user];
  if (query + step >= 0 && query + step < queries.length) choose(user, query + step);
  else if (step > 0 && user + 1 < data.users.length) choose(user + 1, 0);
  else if (step < 0 && user > 0) choose(user - 1, data.users[user - 1].queries.length - 1);
};
if (data.users.length > 0) {
  options(element('user'), data.users.map(({ name }) => name));
  choose(0);
  element('user').addEventListener('change', () => choose(Number(element('user').value)));
  element('query').addEventListener('change', () => choose(user, Number(element('query').value)));
  element('previous').addEventListener('click', () => move(-1));
  element('next').addEventListener('click', () => move(1));
  const section = document.getElementById('texts');
  // With this a click anywhere in the section is enough for the arrow keys to be meant for it.
  section.tabIndex = -1;
  section.addEventListener('keydown', event => {
    if (event.target.tagName === 'SELECT' || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    if (event.key === 'ArrowLeft') move(-1);
    else if (event.key === 'ArrowRight') move(1);
    else return;
    event.preventDefault();
  });
  section.querySelector('.viewer').hidden = false;
}`;

/** What is folded on a screen is open on paper. */
const PRINTING = `
let opened = [];
addEventListener('beforeprint', () => {
  opened = [...document.querySelectorAll('details:not([open])')];
  for (const one of opened) one.open = true;
});
addEventListener('afterprint', () => {
  for (const one of opened) one.open = false;
});`;

export const SCRIPT = `(() => {
'use strict';${SORTING}${TEXTS}${PRINTING}
})();
`;
