'use strict';

const PAGE = 'verifying';

// What an attestation is verified with, in the order of the page. `name` is what `surety` calls the file. Many
// attestations are audited together, and so is what lies in a ZIP or an archive.
const PARTS = [
  { role: 'attestation', title: 'Attestation', name: 'attestation.json', wanted: true, together: 'audited together' },
  { role: 'zip', title: 'ZIP', name: '', optional: '', many: true },
  { role: 'archive', title: 'Archive', name: '', optional: '', many: true },
  { role: 'universe', title: 'Universe', name: 'universe.toml', wanted: true },
  { role: 'policy', title: 'Policy', name: 'policy.toml', wanted: true },
  { role: 'market', title: 'Market snapshot', name: 'market.json', wanted: true },
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

const TERMS = ['now', 'strict', 'insecure', 'history'];
const FAILED = 'Not verified';
const SECRET = 'This is a secret: verifying does not need it, and nobody should send it to you.';

/** Whether what is on the page is audited: several attestations of which none was chosen, a ZIP, or an archive. */
function isAudit() {
  const isWhole = taken('zip').length + taken('archive').length > 0;
  return isWhole || (files('attestation').length > 1 && taken('attestation').length === 0);
}

const terms = () => ({
  strict: find('strict').checked,
  allow_insecure_srs: find('insecure').checked,
});

async function act() {
  await (isAudit() ? audit() : verify());
}

async function verify() {
  announce(taken('set-up').length > 0 ? 'Computing the commitments. This can take a minute.' : 'Verifying.');
  // The page says which of the two it is: an attestation of sufficiency, or of a shortfall.
  const asked = { ...terms(), now: seconds('now') ?? now(), shortfalls: true };
  const used = parts();
  const start = performance.now();
  const text = await ask('verify', asked, await contents(used));
  show(text, used, asked, performance.now() - start);
}

function prepare() {}

// Audits --------------------------------------------------------------------------------------------------------------

// Larger ones are refused as what they are.
const DOCUMENT_LIMIT = 16 * 2 ** 20;
const isDocument = (path) => /\.(json|toml)$/i.test(path);

/** What an audit takes: every file by its path, and what has a part of its own. Others are named and not read. */
function audited() {
  const own = new Map(['zip', 'archive', 'set-up', 'set-up-g2']
    .flatMap((role) => taken(role).map(({ path }) => [path, role])));
  return [...everything.values()].flatMap(({ path, file, read }) => {
    const role = own.get(path);
    // Of a document that is too large so much that it is found to be.
    const start = file.slice(0, isDocument(path) ? DOCUMENT_LIMIT + 1 : 0);
    const bytes = async () => new Uint8Array(await start.arrayBuffer());
    const lying = { role: null, name: path, size: start.size, read: bytes };
    return [
      ...(role ? [{ role, name: path, size: file.size, read }] : []),
      ...(role === 'zip' || role === 'archive' ? [] : [lying]),
    ];
  });
}

async function audit() {
  const asked = { ...terms(), at: seconds('now') ?? now(), history: find('history').checked };
  const given = audited();
  const size = given.reduce((sum, file) => sum + file.size, 0);
  if (size > AUDIT_LIMIT) {
    reveal('unreadable', 'Not audited', `The files have ${size} bytes, and this page takes ${AUDIT_LIMIT}. `
      + 'Audit the directory with surety audit.');
    return;
  }
  announce('Auditing.');
  const start = performance.now();
  const took = () => Math.floor((performance.now() - start) / 1000);
  const count = files('attestation').length;
  const shown = () => progress(undefined, `Auditing ${count > 1 ? `${count} attestations` : 'the files'}: ${took()} s`);
  shown();
  const clock = setInterval(shown, 1000);
  try {
    showAudit(parse(await ask('audit', asked, await contents(given))), performance.now() - start);
  } finally {
    clearInterval(clock);
    progress();
  }
}

function showAudit(answer, duration) {
  const { report, ...envelope } = answer;
  if (!report) {
    reveal('unreadable', 'Not audited', answer.error.message, ...failed(answer.error));
    return;
  }
  const { data } = answer;
  const total = data.accepted + data.rejected;
  const sentence = `${data.accepted} of ${total} ${total === 1 ? 'attestation' : 'attestations'} accepted.`;
  const [kind, headline] = verdictOnAudit(answer);
  const shown = element('div', { class: 'report', id: 'report' });
  shown.append(rebuilt(report.html));
  const save = (id, name, type, text, label) => {
    const file = URL.createObjectURL(new Blob([text], { type }));
    return element('a', { id, class: 'button', href: file, download: name }, label);
  };
  reveal(kind, headline, sentence,
    element('p', { class: 'buttons screen' },
      save('save-html', 'report.html', 'text/html', report.html, 'Save the report'),
      save('save-csv', 'report.csv', 'text/csv', report.csv, 'Save the table'),
      save('save-json', 'report.json', 'application/json', JSON.stringify(envelope, null, 2), 'Save as JSON'),
      printing()),
    element('p', { class: 'hint screen' }, `Audited in ${Math.ceil(duration)} ms.`),
    shown);
}

function verdictOnAudit({ ok, data }) {
  if (!ok) return ['refused', 'Not all accepted'];
  if (data.insecure_srs) return ['worthless', 'This proves nothing'];
  const warnings = data.findings.filter(({ severity }) => severity === 'warning').length;
  return warnings > 0 ? ['unreadable', 'All accepted, with warnings'] : ['accepted', 'All accepted'];
}

// One attestation -----------------------------------------------------------------------------------------------------

function show(text, used, asked, duration) {
  const answer = parse(text);
  const [kind, headline, sentence] = verdict(answer);
  reveal(kind, headline, sentence,
    ...(answer.ok ? accepted(answer.data) : failed(answer.error)),
    ...record(answer, used, asked, duration),
    json(answer),
    element('p', { class: 'buttons screen' }, printing()));
}

// Whether a rule for attestations is broken. Other failures are mistakes in files, which have a line, or have no
// problems; after those, nothing is known about the attestation.
const isRefusal = ({ problems }) => problems.length === 1 && problems[0].line === undefined;

function verdict({ ok, data, error }) {
  if (!ok) {
    if (isRefusal(error)) {
      return ['refused', 'Refused', `The attestation breaks the rule “${error.code}”.`];
    }
    return ['unreadable', FAILED, error.problems.length > 0 ? 'A file has mistakes.' : error.message];
  }
  const sentence = `${data.subject} ${claimed(data)} of ${data.policy}`;
  if (data.insecure_srs) {
    const nothing = 'Every check passed, but the set-up is INSECURE: its secret is published, '
      + 'and anybody can prove anything under it.';
    return ['worthless', 'This proves nothing', nothing];
  }
  const faith = data.faith.length > 0 ? ', if what was taken on faith is so' : '';
  const headline = data.claim === 'shortfall' ? 'Accepted: a shortfall' : 'Accepted';
  return ['accepted', headline, `${sentence}${faith}.`];
}

function claimed(data) {
  if (data.claim === 'shortfall') return `does not satisfy ${data.level}: its margin is negative at that level`;
  const end = data.below === undefined ? '' : ` and less than ${data.below / 1e6} times the requirement`;
  return `satisfies ${data.level}${end}`;
}

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

// What somebody who reads a printout needs to do it again.
function record({ surety }, used, asked, duration) {
  const rows = used.map(({ title, name, digest }) => [title, digest ? [name, ' ', id(`sha256:${digest}`)] : name]);
  const said = [
    asked.strict ? 'nothing taken on faith' : 'missing anchors taken on faith',
    asked.allow_insecure_srs ? 'the INSECURE development set-up accepted' : 'the development set-up refused',
  ];
  return [
    element('h3', {}, 'Verification'),
    pairs(['Time', time(asked.now)], ['Terms', said.join('; ')], ['Version', `Surety ${surety}`],
      ['Took', `${Math.ceil(duration)} ms`], ...rows),
  ];
}
