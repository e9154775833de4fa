'use strict';

// What an attestation is verified with, in the order of the page. `name` is what `surety` calls the file.
const PARTS = [
  { role: 'attestation', title: 'Attestation', name: 'attestation.json', wanted: 'missing' },
  { role: 'universe', title: 'Universe', name: 'universe.toml', wanted: 'missing' },
  { role: 'policy', title: 'Policy', name: 'policy.toml', wanted: 'missing' },
  { role: 'market', title: 'Market snapshot', name: 'market.json', wanted: 'missing' },
  { role: 'compiled-policy', title: 'Compiled policy', name: 'policy.compiled.json', unless: 'set-up' },
  {
    role: 'trust', title: 'Your trust anchors', name: 'trust.toml',
    optional: 'optional: your own file, not the holder’s',
  },
  {
    role: 'set-up', title: 'Set-up', name: '',
    optional: 'optional: with it the policy’s commitments are computed here',
  },
  { role: 'set-up-g2', title: 'Set-up, g2.dat', name: '', optional: '' },
];

// Larger files are none of this project's, or set-ups for the command line.
const FILE_LIMIT = 64 * 2 ** 20;
const FOLDER_LIMIT = 500;
const LAST_SECOND = 253402300799;

const find = (id) => document.getElementById(id);

// The only way in which anything gets onto the page: text stays text.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// The verifier. Its functions take numbers only: bytes pass in words of four.
const engine = (async () => {
  if (typeof DecompressionStream === 'undefined') {
    throw new Error('this browser cannot decompress (DecompressionStream); use Chrome 80, Firefox 113, Safari 16.4, '
      + 'or later');
  }
  const binary = atob(find('wasm').textContent.trim());
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  const module = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return (await WebAssembly.instantiate(await new Response(module).arrayBuffer(), {})).instance.exports;
})();

async function ask(question, files, terms) {
  const { push, pull, ...questions } = await engine;
  const seed = crypto.getRandomValues(new Uint8Array(32));
  const header = new TextEncoder().encode(JSON.stringify({
    seed: `0x${hexadecimal(seed)}`,
    terms,
    files: files.map(({ role, name, content }) => ({ role: role ?? null, name, bytes: content.length })),
  }));
  const length = 4 + header.length + files.reduce((sum, { content }) => sum + content.length, 0);
  const message = new Uint8Array(Math.ceil(length / 4) * 4);
  const view = new DataView(message.buffer);
  view.setUint32(0, header.length, true);
  message.set(header, 4);
  let offset = 4 + header.length;
  for (const { content } of files) {
    message.set(content, offset);
    offset += content.length;
  }
  for (let position = 0; position < length; position += 4) push(view.getUint32(position, true));
  const answer = new DataView(new ArrayBuffer(Math.ceil(questions[question](length) / 4) * 4));
  for (let position = 0; position < answer.byteLength; position += 4) answer.setUint32(position, pull(position), true);
  // Zeros fill the last word up.
  return new TextDecoder().decode(answer.buffer).replace(/\0+$/, '');
}

// Whole numbers beyond what JavaScript counts stay as they are written.
function parse(text) {
  const exact = (_, value, context) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && context?.source ? context.source : value;
  return JSON.parse(text, exact);
}

const hexadecimal = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

function time(seconds) {
  if (!(seconds <= LAST_SECOND)) return `second ${seconds}`;
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

// Files ---------------------------------------------------------------------------------------------------------------

const candidates = new Map(PARTS.map(({ role }) => [role, []]));
const chosen = new Map();
let notes = [];

// `entries` are files with the paths that people know them by.
async function add(entries) {
  const added = [];
  for (const { path, file } of entries) {
    const note = (text, alarm = false) => notes.push({ path, text, alarm });
    notes = notes.filter((other) => other.path !== path);
    if (file.size > FILE_LIMIT) {
      note('larger than this page reads');
      continue;
    }
    const content = new Uint8Array(await file.arrayBuffer());
    const terms = { now: 0, strict: false, allow_insecure_srs: false };
    const known = parse(await ask('recognise', [{ name: file.name, content }], terms));
    if (known.use === 'part') {
      const others = candidates.get(known.role).filter((other) => other.path !== path);
      const candidate = { path, name: file.name, content, about: known.about, digest: await digest(content) };
      candidates.set(known.role, [...others, candidate]);
      added.push(candidate.name);
    } else if (known.use === 'secret') {
      note(`${known.what}. This is a secret: verifying does not need it, and nobody should send it to you.`, true);
    } else {
      note(known.use === 'needless' ? known.what : 'not a file of this project');
    }
  }
  for (const part of PARTS) choose(part);
  changed();
  announce(`${added.length} of ${entries.length} files taken up. ${missing()}`);
}

// Of several files the one with the usual name, otherwise the one that came last.
function choose({ role, name }) {
  const files = candidates.get(role);
  if (files.includes(chosen.get(role))) return;
  chosen.set(role, files.find((file) => file.name === name) ?? files.at(-1));
}

async function digest(content) {
  if (!crypto.subtle) return '';
  return hexadecimal(new Uint8Array(await crypto.subtle.digest('SHA-256', content)));
}

// A page that is opened as a file may not walk dropped folders through entries, hence handles first.
async function dropped(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === 'file');
  const waiting = items.map((item) => ({ handle: item.getAsFileSystemHandle?.(), file: item.getAsFile() }));
  const entries = [];
  for (const { handle, file } of waiting) {
    const opened = await Promise.resolve(handle).catch(() => null);
    if (opened?.kind === 'directory') await walk(opened, `${opened.name}/`, entries);
    else if (file) entries.push({ path: file.name, file });
  }
  return entries;
}

async function walk(folder, path, entries) {
  for await (const entry of folder.values()) {
    if (entries.length >= FOLDER_LIMIT) return;
    if (entry.kind === 'directory') await walk(entry, `${path}${entry.name}/`, entries);
    else entries.push({ path: path + entry.name, file: await entry.getFile() });
  }
}

function missing() {
  const lacking = PARTS.filter(({ role, wanted, unless }) => {
    return !chosen.get(role) && (wanted || (unless && !chosen.get(unless)));
  });
  return lacking.length === 0 ? '' : `Still missing: ${lacking.map(({ title }) => title.toLowerCase()).join(', ')}.`;
}

function showFiles() {
  const rows = PARTS.filter(({ role, optional }) => optional !== '' || chosen.get(role)).map((part) => {
    const { role, title, unless, optional } = part;
    const [files, file] = [candidates.get(role), chosen.get(role)];
    const cells = [element('th', { scope: 'row' }, title)];
    if (!file) {
      const needed = !optional && !(unless && chosen.get(unless));
      const text = optional ?? (needed ? 'missing' : 'not needed with a set-up');
      cells.push(element('td', { class: needed ? 'wanted' : 'hint', colspan: 3 }, text));
      return element('tr', {}, ...cells);
    }
    cells.push(element('td', {}, files.length === 1 ? file.path : choice(part)));
    cells.push(element('td', { class: 'about' }, file.about));
    const attributes = { type: 'button', class: 'remove', 'aria-label': `Remove ${file.path}` };
    const remove = element('button', attributes, 'Remove');
    remove.addEventListener('click', () => {
      candidates.set(role, files.filter((other) => other !== file));
      choose(part);
      changed();
      find('choose-files').focus();
    });
    cells.push(element('td', { class: 'action' }, remove));
    return element('tr', {}, ...cells);
  });
  find('parts').tBodies[0].replaceChildren(...rows);
}

function choice({ role, title }) {
  const select = element('select', { 'aria-label': title });
  for (const file of candidates.get(role)) select.add(new Option(file.path, '', false, file === chosen.get(role)));
  select.addEventListener('change', () => {
    chosen.set(role, candidates.get(role)[select.selectedIndex]);
    changed();
    find('parts').querySelector(`select[aria-label="${title}"]`)?.focus();
  });
  return select;
}

function showNotes() {
  const line = ({ path, text }) => element('li', {}, element('code', {}, path), `: ${text}`);
  const alarms = notes.filter(({ alarm }) => alarm);
  const others = notes.filter(({ alarm }) => !alarm);
  const shown = [];
  if (alarms.length > 0) {
    shown.push(element('div', { class: 'alarm' }, element('ul', {}, ...alarms.map(line))));
  }
  if (others.length > 0) {
    const title = others.length === 1 ? '1 other file is not used' : `${others.length} other files are not used`;
    shown.push(element('details', {}, element('summary', {}, title), element('ul', {}, ...others.map(line))));
  }
  find('others').replaceChildren(...shown);
}

// An answer is about what is on the page, or it is not on the page.
function changed() {
  find('result').hidden = true;
  find('result').replaceChildren();
  showFiles();
  showNotes();
  const text = missing();
  find('verify').disabled = text !== '';
  find('missing').textContent = text;
}

// The verdict ---------------------------------------------------------------------------------------------------------

async function verify() {
  const button = find('verify');
  button.disabled = true;
  announce(chosen.get('set-up') ? 'Computing the commitments. This can take a minute.' : 'Verifying.');
  await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
  const now = find('now').value;
  const terms = {
    now: Math.max(0, Math.floor((now ? Date.parse(`${now}Z`) : Date.now()) / 1000)),
    strict: find('strict').checked,
    allow_insecure_srs: find('insecure').checked,
  };
  const parts = PARTS.filter(({ role }) => chosen.get(role));
  const files = parts.map(({ role, title }) => ({ role, title, ...chosen.get(role) }));
  const start = performance.now();
  const text = await ask('verify', files, terms);
  show(text, files, terms, performance.now() - start);
  button.disabled = false;
}

function show(text, files, terms, duration) {
  const answer = parse(text);
  const [kind, headline, sentence] = verdict(answer);
  const print = element('button', { type: 'button' }, 'Print');
  print.addEventListener('click', () => window.print());
  reveal(kind, headline, sentence,
    ...(answer.ok ? accepted(answer.data) : failed(answer.error)),
    ...record(answer, files, terms, duration),
    element('details', { class: 'screen' }, element('summary', {}, 'The answer as JSON'),
      element('pre', { id: 'json', tabindex: 0 }, JSON.stringify(answer, null, 2))),
    element('p', { class: 'buttons screen' }, print));
}

function reveal(kind, headline, sentence, ...body) {
  const heading = element('h2', { id: 'verdict', tabindex: -1 }, headline);
  const section = find('result');
  section.className = kind;
  section.replaceChildren(element('div', { class: 'verdict' }, heading, element('p', {}, sentence)));
  if (body.length > 0) section.append(element('div', { class: 'body' }, ...body));
  section.hidden = false;
  announce(`${headline}. ${sentence}`);
  heading.focus();
}

// Whether a rule for attestations is broken. Other failures are mistakes in files, which have a line, or have no
// problems; after those, nothing is known about the attestation.
const isRefusal = ({ problems }) => problems.length === 1 && problems[0].line === undefined;

function verdict({ ok, data, error }) {
  if (!ok) {
    if (isRefusal(error)) {
      return ['refused', 'Refused', `The attestation breaks the rule “${error.code}”.`];
    }
    return ['unreadable', 'Not verified', error.problems.length > 0 ? 'A file has mistakes.' : error.message];
  }
  const sentence = `${data.subject} satisfies ${data.level} of ${data.policy}`;
  if (data.insecure_srs) {
    const nothing = 'Every check passed, but the set-up is INSECURE: its secret is published, '
      + 'and anybody can prove anything under it.';
    return ['worthless', 'This proves nothing', nothing];
  }
  const faith = data.faith.length > 0 ? ', if what was taken on faith is so' : '';
  return ['accepted', 'Accepted', `${sentence}${faith}.`];
}

const list = (kind, items) => element('ul', { class: kind }, ...items.map((item) => element('li', {}, item)));

function pairs(...entries) {
  const filled = entries.filter(([, value]) => value !== undefined && value !== '');
  return element('dl', {}, ...filled.flatMap(([term, value]) => [
    element('dt', {}, term),
    element('dd', {}, ...(Array.isArray(value) ? value : [value])),
  ]));
}

const id = (text) => element('span', { class: 'id' }, String(text));

function accepted(data) {
  const shown = [
    element('h3', {}, data.insecure_srs ? 'What would be established over a sound set-up' : 'Established'),
    pairs(
      ['Subject', id(data.subject)],
      ['Level', data.level],
      ['Policy', [data.policy, ' ', id(data.policy_id)]],
      ['Universe', id(data.universe)],
      ['Snapshot', id(data.snapshot)],
      ['Verifying key', id(data.verifying_key)],
      ['Set-up', id(data.srs)],
      ['Registry', [id(data.audience.registry), ` on chain ${data.audience.chain_id}`]],
      ['Prices as of', `${time(data.prices_at)}, epoch ${data.epoch}`],
      ['Balances as of', time(data.balances_at)],
      ['Valid until', time(data.valid_until)],
      ['Pledged', data.pledged ? 'every account, to this policy and no other' : 'no, or not every account'],
    ),
  ];
  if (data.marked.length > 0) {
    shown.push(element('h3', {}, 'Marked prices'),
      element('p', {}, 'These have moved too far since the snapshot before, which the policy accepts:'),
      list('faith', data.marked));
  }
  if (data.faith.length > 0) {
    shown.push(element('h3', {}, 'Taken on faith'),
      element('p', {}, 'Your trust anchors do not say, so it was believed:'),
      list('faith', data.faith.map(({ text }) => text)));
  }
  shown.push(element('h3', {}, 'Not established'), list('limits', data.not_established));
  return shown;
}

function failed({ code, class: kind, problems }) {
  const shown = problems.map(({ input, line, column, path, expected, found, advice }) => {
    const place = line === undefined ? input : `${input}, line ${line}, column ${column}`;
    return pairs(['Rule', `${code} (${kind})`], ['Input', path ? [place, ': ', id(path)] : place],
      ['Expected', expected], ['Found', id(found)], ['What to do', advice]);
  });
  return shown.length > 0 ? [element('h3', {}, 'Why'), ...shown] : [];
}

// What somebody who reads a printout needs to do it again.
function record({ surety }, files, terms, duration) {
  const used = files.map(({ title, name, digest }) => [title, digest ? [name, ' ', id(`sha256:${digest}`)] : name]);
  const asked = [
    terms.strict ? 'nothing taken on faith' : 'missing anchors taken on faith',
    terms.allow_insecure_srs ? 'the INSECURE development set-up accepted' : 'the development set-up refused',
  ];
  return [
    element('h3', {}, 'Verification'),
    pairs(['Time', time(terms.now)], ['Terms', asked.join('; ')], ['Version', `Surety ${surety}`],
      ['Took', `${Math.ceil(duration)} ms`], ...used),
  ];
}

// Events --------------------------------------------------------------------------------------------------------------

function announce(text) {
  find('status').textContent = text;
}

// One thing at a time, in the order in which people ask for it.
let settled = Promise.resolve();

function run(action) {
  settled = settled.then(action).catch((error) => {
    changed();
    reveal('unreadable', 'Not verified', `The page failed: ${error}. Please report this.`);
  });
}

for (const [button, input] of [['choose-files', 'files'], ['choose-folder', 'folder']]) {
  find(button).addEventListener('click', () => find(input).click());
  find(input).addEventListener('change', ({ target }) => {
    const files = [...target.files].slice(0, FOLDER_LIMIT);
    const entries = files.map((file) => ({ path: file.webkitRelativePath || file.name, file }));
    // The same file may be chosen again after it has changed.
    target.value = '';
    run(() => add(entries));
  });
}

// Files that miss the frame must not replace the page.
addEventListener('dragover', (event) => {
  event.preventDefault();
  find('drop').classList.add('over');
});
addEventListener('dragleave', () => find('drop').classList.remove('over'));
addEventListener('drop', (event) => {
  event.preventDefault();
  find('drop').classList.remove('over');
  const entries = dropped(event.dataTransfer);
  run(async () => add(await entries));
});

for (const term of ['now', 'strict', 'insecure']) find(term).addEventListener('change', changed);
find('verify').addEventListener('click', () => run(verify));
changed();
