// The report of an audit on the page: HTML that the module writes, rebuilt element by element, so that text stays text.

const SVG = 'http://www.w3.org/2000/svg';
const DRAWN = ['svg', 'title', 'desc', 'rect', 'line', 'polyline', 'text'];
// Headings stand below those of the page.
const BUILT = {
  main: 'div', h1: 'h3', h2: 'h4', ...Object.fromEntries([
    'p', 'ul', 'li', 'table', 'caption', 'thead', 'tbody', 'tr', 'th', 'td', 'figure', 'figcaption', 'wbr', ...DRAWN,
  ].map((name) => [name, name])),
};
const ATTRIBUTES = new Set([
  'class', 'scope', 'role', 'width', 'height', 'viewBox', 'font-family', 'font-size', 'fill', 'stroke', 'stroke-width',
  'points', 'x', 'y', 'x1', 'y1', 'x2', 'y2', 'text-anchor',
]);
const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"' };
const TOKEN = /<(\/?)([a-z0-9]+)((?:\s+[a-zA-Z0-9:-]+="[^"<>]*")*)\s*(\/?)>|([^<]+)/gy;

const plain = (text) => text.replace(/&(?:#(\d+)|([a-z]+));/g, (whole, code, name) =>
  (code ? String.fromCodePoint(Number(code)) : ENTITIES[name] ?? whole));

/** The element `main` of a page, without anything that is not a report's. */
function rebuilt(html) {
  const root = document.createDocumentFragment();
  const open = [root];
  const body = html.slice(html.indexOf('<main'), html.lastIndexOf('</main>') + '</main>'.length);
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < body.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(body);
    if (!token) throw new Error(`a report that cannot be shown, at ${at}`);
    const [, end, name, attributes, empty, text] = token;
    if (text !== undefined) {
      open.at(-1).append(plain(text));
      continue;
    }
    if (!Object.hasOwn(BUILT, name)) throw new Error(`a report with the element ${name}`);
    if (end) {
      if (open.pop().localName !== BUILT[name]) throw new Error(`a report with the end of ${name}`);
      continue;
    }
    const isDrawn = DRAWN.includes(name);
    const made = isDrawn ? document.createElementNS(SVG, name) : document.createElement(BUILT[name]);
    for (const [, attribute, value] of attributes.matchAll(/([a-zA-Z0-9:-]+)="([^"]*)"/g)) {
      if (attribute === 'xmlns') continue;
      if (!ATTRIBUTES.has(attribute)) throw new Error(`a report with the attribute ${attribute}`);
      made.setAttribute(attribute, plain(value));
    }
    open.at(-1).append(made);
    if (!empty && name !== 'wbr') open.push(made);
  }
  if (open.length !== 1) throw new Error('a report that ends early');
  return root;
}
