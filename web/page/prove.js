'use strict';

const PAGE = 'proving';

// What an attestation is made of, in the order of the page. `name` is what `surety` calls the file. Of `many` all are
// taken. What is `secret` is read when it is needed, and never kept.
const PARTS = [
  { role: 'universe', title: 'Universe', name: 'universe.toml', wanted: true },
  { role: 'policy', title: 'Policy', name: 'policy.toml', wanted: true },
  { role: 'market', title: 'Market snapshot', name: 'market.json', wanted: true },
  { role: 'statement', title: 'Statement', name: '', wanted: true, many: true },
  { role: 'opening', title: 'Opening', name: '', wanted: true, many: true, secret: true },
  { role: 'trust', title: 'Your trust anchors', name: 'trust.toml', optional: 'optional: pins the published snapshot' },
  { role: 'vault-balances', title: 'Vault balances', name: '', optional: 'only for a policy that draws on a vault' },
  { role: 'set-up', title: 'Set-up', name: '', optional: 'needed unless it is the one for development' },
  { role: 'set-up-g2', title: 'Set-up, g2.dat', name: '', optional: '' },
];

const TERMS = ['level', 'until', 'presentation', 'verifier', 'now', 'on-chain', 'unpublished'];
const FAILED = 'Not proven';
const SECRET = 'This is a secret that proving does not need.';

const STEPS = [
  ['bases', 'Computing the bases of the set-up, once for this page'],
  ['table', 'Computing the table of their multiples, once for this page'],
  ['prove', 'Proving and verifying'],
];

// What every proof over a universe shares is made as soon as the files are there.
const isAudit = () => false;

async function prepare() {
  for (const [step] of STEPS.slice(0, 2)) {
    const answer = parse(await ask(step, null, await contents(parts('universe', 'set-up', 'set-up-g2'))));
    // The proof asks again, and shows why not.
    if (!answer.ok) return;
  }
}

async function act() {
  const terms = {
    now: seconds('now') ?? now(),
    level: find('level').value.trim(),
    verifier: find('verifier').value,
    valid_until: seconds('until'),
    presentation: find('presentation').value,
    on_chain: find('on-chain').checked,
    unpublished_snapshot: find('unpublished').checked,
  };
  const files = parts();
  const start = performance.now();
  const took = [];
  const progress = find('progress');
  progress.hidden = false;
  let answer;
  for (const [index, [step, sentence]] of STEPS.entries()) {
    progress.querySelector('progress').value = index;
    progress.querySelector('p').textContent = sentence;
    announce(sentence);
    const begun = performance.now();
    const of = step === 'prove' ? files : parts('universe', 'set-up', 'set-up-g2');
    answer = parse(await ask(step, step === 'prove' ? terms : null, await contents(of)));
    took.push(performance.now() - begun);
    if (!answer.ok) break;
  }
  progress.hidden = true;
  show(answer, files, took, performance.now() - start);
}

function show(answer, files, took, duration) {
  const [kind, headline, sentence] = verdict(answer);
  const shown = answer.ok ? proven(answer.data) : failed(answer.error);
  reveal(kind, headline, sentence, ...shown, ...record(answer, files, took, duration));
}

function verdict({ ok, data, error }) {
  if (!ok) {
    const isMistake = error.problems.some(({ line }) => line !== undefined);
    const sentence = isMistake ? 'A file has mistakes.' : error.message;
    const whose = error.code === 'insufficient' ? ' Nobody but you learns of this.' : '';
    return ['unreadable', FAILED, sentence + whose];
  }
  if (data.srs.insecure) {
    return ['worthless', 'Proven, and worth nothing', 'The set-up is INSECURE: its secret is published, '
      + 'and anybody can prove anything under it.'];
  }
  return ['accepted', 'Proven', `${data.subject} satisfies ${data.level}. The attestation says so, and nothing else.`];
}

function proven({ attestation, subject, level, policy, epoch, valid_until: until }) {
  const file = URL.createObjectURL(new Blob([attestation], { type: 'application/json' }));
  const save = element('a', { id: 'save', class: 'button', href: file, download: 'attestation.json' },
    'Save attestation.json');
  return [
    element('p', { class: 'buttons screen' }, save),
    element('h3', {}, 'The attestation'),
    pairs(['Subject', id(subject)], ['Level', level], ['Policy', id(policy)], ['Epoch', String(epoch)],
      ['Valid until', time(until)]),
    element('details', { class: 'screen' }, element('summary', {}, 'The file'),
      element('pre', { id: 'attestation', tabindex: 0 }, attestation)),
  ];
}

function record({ surety }, files, took, duration) {
  const milliseconds = (time) => `${Math.ceil(time)} ms`;
  const steps = took.map((time, index) => `${STEPS[index][0]} ${milliseconds(time)}`);
  return [
    element('h3', {}, 'Proof'),
    pairs(['Version', `Surety ${surety}`], ['Took', `${milliseconds(duration)}: ${steps.join(', ')}`],
      ['Files', String(files.length)]),
  ];
}
