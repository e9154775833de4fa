'use strict';

const PAGE = 'checking';

// What a cell is checked with, in the order of the page. `name` is what `surety` calls the file. What is `secret` is
// read when it is needed, and never kept.
const PARTS = [
  { role: 'cell', title: 'Your cell', name: 'cell.json', wanted: true, secret: true },
  { role: 'book', title: 'Book', name: 'book.json', wanted: true },
  { role: 'universe', title: 'Universe', name: 'universe.toml', wanted: true },
  { role: 'cell-keys', title: 'Keys of cells', name: 'cell-keys.json', wanted: true },
];

const TERMS = ['root', 'user', 'nonce', 'insecure'];
const FAILED = 'Not checked';
const SECRET = 'This is a secret that checking does not need.';

async function act() {
  announce('Checking.');
  const terms = {
    root: find('root').value,
    user: find('user').value,
    nonce: find('nonce').value,
    allow_insecure_srs: find('insecure').checked,
  };
  const files = parts();
  const start = performance.now();
  const answer = parse(await ask('check', terms, await contents(files)));
  show(answer, files, performance.now() - start);
}

const isAudit = () => false;

function prepare() {}

function show(answer, files, duration) {
  const [kind, headline, sentence] = verdict(answer);
  reveal(kind, headline, sentence,
    ...(answer.ok ? found(answer.data) : failed(answer.error)),
    ...record(answer, files, duration));
}

function verdict({ ok, data, error }) {
  if (!ok) {
    const isRefusal = error.problems.length === 1 && error.problems[0].line === undefined;
    if (isRefusal) return ['refused', 'Refused', `The cell breaks the rule “${error.code}”.`];
    const isMistake = error.problems.length > 0;
    return ['unreadable', FAILED, isMistake ? 'A file has mistakes.' : error.message];
  }
  if (data.insecure_srs) {
    return ['worthless', 'This proves nothing', 'Every check passed, but the set-up is INSECURE: its secret is '
      + 'published, and anybody can prove anything under it.'];
  }
  const faith = data.taken_on_faith.length > 0 ? ', if what was taken on faith is so' : '';
  return ['accepted', 'Your account is in the book', `The venue counts exactly these balances as yours${faith}.`];
}

function found({ user, venue, root, as_of: asOf, valid_until: until, balances, taken_on_faith: faith }) {
  const shown = [
    element('h3', {}, 'Balances'),
    balances.length === 0 ? element('p', {}, 'None.')
      : pairs(...balances.map(({ instrument, units }) => [instrument, units])),
    element('h3', {}, 'The book'),
    pairs(['Account', id(user)], ['Venue', id(venue)], ['Root', id(root)], ['Balances as of', time(asOf)],
      ['Valid until', time(until)]),
  ];
  if (faith.length > 0) {
    shown.push(element('h3', {}, 'Taken on faith'),
      element('p', {}, 'You did not say, so it was believed:'), list('faith', faith));
  }
  return shown;
}

function record({ surety }, files, duration) {
  const used = files.map(({ title, name }) => [title, name]);
  return [
    element('h3', {}, 'Check'),
    pairs(['Version', `Surety ${surety}`], ['Took', `${Math.ceil(duration)} ms`], ...used),
  ];
}
