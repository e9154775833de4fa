'use strict';

const PAGE = 'verifying';

// What an attestation is verified with, in the order of the page. `name` is what `surety` calls the file.
const PARTS = [
  { role: 'attestation', title: 'Attestation', name: 'attestation.json', wanted: true },
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

const TERMS = ['now', 'strict', 'insecure'];
const FAILED = 'Not verified';
const SECRET = 'This is a secret: verifying does not need it, and nobody should send it to you.';

async function act() {
  announce(taken('set-up').length > 0 ? 'Computing the commitments. This can take a minute.' : 'Verifying.');
  const terms = {
    now: seconds('now') ?? now(),
    strict: find('strict').checked,
    allow_insecure_srs: find('insecure').checked,
    // The page says which of the two it is.
    shortfalls: true,
  };
  const files = parts();
  const start = performance.now();
  const text = await ask('verify', terms, await contents(files));
  show(text, files, terms, performance.now() - start);
}

function prepare() {}

function show(text, files, terms, duration) {
  const answer = parse(text);
  const [kind, headline, sentence] = verdict(answer);
  reveal(kind, headline, sentence,
    ...(answer.ok ? accepted(answer.data) : failed(answer.error)),
    ...record(answer, files, terms, duration),
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
