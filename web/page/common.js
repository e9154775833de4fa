// What all pages share: files, answers, and the worker with the module. Comes after the page's own script.

// Larger files are none of this project's, or set-ups for the command line.
const FILE_LIMIT = 64 * 2 ** 20;
// More of them at once are for the command line: an audit that leaves some out would not say what it says.
const FOLDER_LIMIT = PAGE === 'verifying' ? 10_000 : 500;
// What an audit takes in all.
const AUDIT_LIMIT = 256 * 2 ** 20;
const LAST_SECOND = 253402300799;

const find = (id) => document.getElementById(id);

// The only way in which anything gets onto the page: text stays text.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// The module ----------------------------------------------------------------------------------------------------------

const LACKING = ['WebAssembly', 'Worker', 'DecompressionStream'].filter((name) => !(name in globalThis));
const ADVICE = `This browser has no ${LACKING.join(', ')}. Use Chrome 80, Firefox 113, Safari 16.4, or later.`;

// Where trusted types are known, this policy is the only one that there may be, and the worker its only script.
const SCRIPT = URL.createObjectURL(new Blob([find('engine').textContent], { type: 'text/javascript' }));
const TRUSTED = globalThis.trustedTypes?.createPolicy('surety', { createScriptURL: () => SCRIPT });

function start() {
  const started = new Worker(TRUSTED ? TRUSTED.createScriptURL('') : SCRIPT);
  const binary = atob(find('wasm').textContent.trim());
  const module = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  started.postMessage({ module }, [module.buffer]);
  return started;
}

let worker = LACKING.length === 0 ? start() : null;

// The answer to a question about files, whose contents go to the worker: nothing of them stays here.
function ask(question, terms, files) {
  if (!worker) return Promise.reject(new Error(ADVICE));
  return new Promise((answered, refused) => {
    const broken = (error) => {
      // Whatever it has in memory goes with it.
      worker.terminate();
      worker = start();
      refused(new Error(error));
    };
    worker.onerror = ({ message }) => broken(message);
    worker.onmessage = ({ data: { text, error } }) => (error ? broken(error) : answered(text));
    worker.postMessage({ question, terms, files }, files.map(({ content }) => content.buffer));
  });
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

const now = () => Math.floor(Date.now() / 1000);

// What is in a field for a time, in seconds; nothing if it is empty.
function seconds(field) {
  const text = find(field).value;
  return text ? Math.max(0, Math.floor(Date.parse(`${text}Z`) / 1000)) : null;
}

// Files ---------------------------------------------------------------------------------------------------------------

const candidates = new Map(PARTS.map(({ role }) => [role, []]));
const chosen = new Map();
// Parts of which people have picked one file, although several would go together.
const picked = new Set();
// Every file that was given, by its path.
const everything = new Map();
let notes = [];

// `entries` are files with the paths that people know them by.
async function add(entries) {
  const added = [];
  if (entries.length > FOLDER_LIMIT) {
    notes.push({ path: entries[0].path, text: `one of more than ${FOLDER_LIMIT} files, which this page does not take; `
      + 'none of them was taken up', alarm: true });
    changed();
    announce(`More than ${FOLDER_LIMIT} files: none was taken up.`);
    return;
  }
  for (const [index, { path, file }] of entries.entries()) {
    const note = (text, alarm = false) => notes.push({ path, text, alarm });
    notes = notes.filter((other) => other.path !== path);
    everything.delete(path);
    for (const [role, files] of candidates) candidates.set(role, files.filter((other) => other.path !== path));
    if (entries.length > 20) progress(index / entries.length, `Reading file ${index + 1} of ${entries.length}`);
    const read = async () => new Uint8Array(await file.arrayBuffer());
    everything.set(path, { path, file, read });
    if (file.size > FILE_LIMIT) {
      note('larger than this page reads');
      continue;
    }
    const known = parse(await ask('recognise', PAGE, [{ name: file.name, content: await read() }]));
    const isWhole = known.role === 'zip' || known.role === 'archive';
    if (isWhole && path.includes('/')) {
      note('not opened, as it lies in a folder: drop it by itself');
    } else if (known.use === 'part') {
      const { secret } = PARTS.find(({ role }) => role === known.role);
      const others = candidates.get(known.role).filter((other) => other.path !== path);
      // What is large is read again when it is needed.
      const content = secret || isWhole ? null : await read();
      const candidate = { path, name: file.name, content, about: known.about, read };
      if (content) candidate.digest = await digest(content);
      candidates.set(known.role, [...others, candidate]);
      added.push(candidate.name);
    } else if (known.use === 'secret') {
      note(`${known.what}. ${SECRET}`, true);
    } else {
      note(known.use === 'needless' ? known.what : 'not a file of this project');
    }
  }
  progress();
  for (const part of PARTS) choose(part);
  changed();
  announce(`${added.length} of ${entries.length} files taken up. ${missing()}`);
  if (missing() === '') run(prepare);
}

// All files of a part.
const files = (role) => candidates.get(role);

// The files of a part that take part.
function taken(role) {
  const { many } = PARTS.find((part) => part.role === role);
  return many ? candidates.get(role) : [chosen.get(role)].filter(Boolean);
}

// Those of some parts, or of all.
function parts(...roles) {
  const wanted = PARTS.filter(({ role }) => roles.length === 0 || roles.includes(role));
  return wanted.flatMap(({ role, title }) => taken(role).map((file) => ({ role, title, ...file })));
}

// Copies of files, for the worker.
function contents(files) {
  const copy = async ({ role, name, content, read }) => ({ role, name, content: content?.slice() ?? await read() });
  return Promise.all(files.map(copy));
}

// Of several files the one with the usual name, otherwise the one that came last; none where several go together.
function choose({ role, name, together }) {
  const files = candidates.get(role);
  if (files.includes(chosen.get(role)) && (!together || picked.has(role))) return;
  picked.delete(role);
  if (together && files.length > 1) {
    chosen.delete(role);
    return;
  }
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
    if (entries.length > FOLDER_LIMIT) return;
    if (entry.kind === 'directory') await walk(entry, `${path}${entry.name}/`, entries);
    else entries.push({ path: path + entry.name, file: await entry.getFile() });
  }
}

function missing() {
  if (isAudit()) return '';
  const lacking = PARTS.filter(({ role, wanted, unless }) => {
    return taken(role).length === 0 && (wanted || (unless && taken(unless).length === 0));
  });
  return lacking.length === 0 ? '' : `Still missing: ${lacking.map(({ title }) => title.toLowerCase()).join(', ')}.`;
}

function showFiles() {
  const rows = PARTS.filter(({ role, optional }) => optional !== '' || taken(role).length > 0).flatMap((part) => {
    const { role, title, unless, optional, many } = part;
    const files = taken(role);
    const all = candidates.get(role);
    if (all.length > 1 && isAudit() && !many) return [row(part, null, all)];
    if (files.length > 0) return files.map((file) => row(part, file, many ? [file] : all));
    if (isAudit() && optional === undefined) return [];
    const needed = !optional && !(unless && taken(unless).length > 0);
    const text = optional ?? (needed ? 'missing' : 'not needed with a set-up');
    const cell = element('td', { class: needed ? 'wanted' : 'hint', colspan: 3 }, text);
    return [element('tr', {}, element('th', { scope: 'row' }, title), cell)];
  });
  find('parts').tBodies[0].replaceChildren(...rows);
}

function row(part, file, files) {
  // Without a file, all of them go together.
  const name = file?.path ?? `all ${files.length}`;
  const remove = element('button', { type: 'button', class: 'remove', 'aria-label': `Remove ${name}` }, 'Remove');
  remove.addEventListener('click', () => {
    for (const gone of file ? [file] : files) {
      everything.delete(gone.path);
      candidates.set(part.role, candidates.get(part.role).filter((other) => other !== gone));
    }
    choose(part);
    changed();
    find('choose-files').focus();
  });
  return element('tr', {},
    element('th', { scope: 'row' }, part.title),
    element('td', {}, files.length === 1 ? file.path : several(part, file, files)),
    element('td', { class: 'about' }, file?.about ?? ''),
    element('td', { class: 'action' }, remove));
}

// In an audit, which takes all of them, only attestations can be picked.
function several(part, file, files) {
  return file || part.together ? choice(part) : `${files.length} files`;
}

function choice({ role, title, together }) {
  const select = element('select', { 'aria-label': title });
  const files = candidates.get(role);
  if (together) select.add(new Option(`All ${files.length}, ${together}`));
  for (const file of files) select.add(new Option(file.path, '', false, file === chosen.get(role)));
  select.addEventListener('change', () => {
    const file = files[select.selectedIndex - (together ? 1 : 0)];
    if (file) chosen.set(role, file);
    else chosen.delete(role);
    if (file) picked.add(role);
    else picked.delete(role);
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
  find('act').disabled = text !== '' || LACKING.length > 0;
  find('missing').textContent = text;
}

// Answers -------------------------------------------------------------------------------------------------------------

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

const list = (kind, items) => element('ul', { class: kind }, ...items.map((item) => element('li', {}, item)));

function pairs(...entries) {
  const filled = entries.filter(([, value]) => value !== undefined && value !== '');
  return element('dl', {}, ...filled.flatMap(([term, value]) => [
    element('dt', {}, term),
    element('dd', {}, ...(Array.isArray(value) ? value : [value])),
  ]));
}

const id = (text) => element('span', { class: 'id' }, String(text));

function failed({ code, class: kind, problems }) {
  const shown = problems.map(({ input, line, column, path, expected, found, advice }) => {
    const place = line === undefined ? input : `${input}, line ${line}, column ${column}`;
    return pairs(['Rule', `${code} (${kind})`], ['Input', path ? [place, ': ', id(path)] : place],
      ['Expected', expected], ['Found', id(found)], ['What to do', advice]);
  });
  return shown.length > 0 ? [element('h3', {}, 'Why'), ...shown] : [];
}

function json(answer) {
  return element('details', { class: 'screen' }, element('summary', {}, 'The answer as JSON'),
    element('pre', { id: 'json', tabindex: 0 }, JSON.stringify(answer, null, 2)));
}

function printing() {
  const print = element('button', { type: 'button' }, 'Print');
  print.addEventListener('click', () => window.print());
  return print;
}

// How far something is: a share, or nothing if nobody knows; without a sentence there is nothing to wait for.
function progress(share, sentence = '') {
  const shown = find('progress');
  if (!shown) return;
  const bar = shown.querySelector('progress');
  if (share === undefined) bar.removeAttribute('value');
  else bar.value = share * bar.max;
  shown.querySelector('p').textContent = sentence;
  shown.hidden = sentence === '';
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
    reveal('unreadable', FAILED, LACKING.length > 0 ? ADVICE : `The page failed: ${error}. Please report this.`);
  });
}

for (const [button, input] of [['choose-files', 'files'], ['choose-folder', 'folder']]) {
  find(button).addEventListener('click', () => find(input).click());
  find(input).addEventListener('change', ({ target }) => {
    const files = [...target.files];
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

for (const term of TERMS) find(term).addEventListener('change', changed);
find('act').addEventListener('click', () => run(async () => {
  find('act').disabled = true;
  await act();
  find('act').disabled = false;
}));
if (LACKING.length > 0) {
  find('lacking').textContent = ADVICE;
  find('lacking').hidden = false;
}
changed();
