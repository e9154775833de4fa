// What the npm package of the contracts consists of, and which rules its files follow.

const WIDTH = 120;

/** A value as JavaScript, one element of a list a line. */
export const literal = (values) => `[\n${values.map((value) => `  ${JSON.stringify(value)},\n`).join("")}]`;

/** The type that TypeScript gives to a value `as const`. */
export function declared(value) {
  if (Array.isArray(value)) return `readonly [${value.map(declared).join(", ")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{ ${Object.entries(value).map(([key, inner]) => `readonly ${key}: ${declared(inner)}`).join("; ")} }`;
}

/** A storage layout without the numbers that the compiler gives to types, which change with unrelated sources. */
export function layout(storage, types) {
  const described = ({ label, slot, offset, type }) => {
    const { label: name, numberOfBytes } = types[type];
    return { label, slot: Number(slot), offset, type: name, bytes: Number(numberOfBytes) };
  };
  const structs = Object.values(types).filter(({ members }) => members)
    .map(({ label, members }) => [label, members.map(described)])
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return `${JSON.stringify({ storage: storage.map(described), structs: Object.fromEntries(structs) }, null, 2)}\n`;
}

/** An error as selectors are computed from it. */
const signature = ({ name, inputs }) => `${name}(${inputs.map(({ type }) => type).join(",")})`;

/** Every error of contracts, by signature: its arguments, and the contracts that revert with it. */
function errorsOf(contracts) {
  const found = new Map();
  for (const [contract, { abi }] of contracts) {
    for (const error of abi.filter(({ type }) => type === "error")) {
      const known = found.get(signature(error)) ?? { error, contracts: [] };
      known.contracts.push(contract);
      found.set(signature(error), known);
    }
  }
  return new Map([...found].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** What is wrong with the table of errors: each error of the contracts has one row, with a cause and a cure. */
export function errorProblems(table, contracts) {
  const found = errorsOf(contracts);
  const missing = [...found].filter(([name]) => !Object.hasOwn(table, name));
  const needless = Object.keys(table).filter((name) => !found.has(name));
  const rows = Object.entries(table).flatMap(([name, { parts = {}, ...row }]) => [
    [name, row],
    ...Object.entries(parts).map(([part, inner]) => [`${name}, ${part}`, inner]),
  ]);
  const empty = rows.filter(([, { cause, cure }]) => !cause?.trim() || !cure?.trim());
  return [
    ...missing.map(([name, { contracts }]) => `errors.json: expected ${name} of ${contracts[0]}, found nothing`),
    ...needless.map((name) => `errors.json: expected errors of contracts, found ${name}`),
    ...empty.map(([name]) => `errors.json: expected a cause and a cure of ${name}`),
  ];
}

/** Breaks a text at spaces into lines. */
function wrapped(text) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line && line.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line ? `${line} ${word}` : word;
  }
  return lines.join("\n");
}

/** The page on errors. */
export function errorsPage(table, contracts) {
  const introduction = `# Errors of the contracts

<!-- Written by \`npm run artifacts -- --update\` in contracts/, from contracts/errors.json. Do not edit. -->

Each custom error with the contracts that revert with it, its cause and its cure.
Contracts pass on the errors of those that they call.
\`surety chain\` says the same when a call is refused, and so does \`explain\` of the package \`@surety/sdk\`.
\`@surety/contracts/errors.json\` is the same table for programs.
`;
  const isShown = (name) => !/^I[A-Z]/.test(name) && !/^(Bn254|Evidence)$/.test(name) && !/^SuretyVerifierK/.test(name);
  const said = ({ cause, cure }) => `${wrapped(`Cause: ${cause}.`)}\n\n${wrapped(`Cure: ${cure}.`)}\n`;
  const sections = [...errorsOf(contracts)].filter(([name]) => Object.hasOwn(table, name)).map(([name, known]) => {
    const raised = known.contracts.filter(isShown);
    const by = raised.length ? raised : ["the verifiers"];
    const names = by.map((contract) => (contract.startsWith("the ") ? contract : `\`${contract}\``)).join(", ");
    const inputs = known.error.inputs.map(({ type, name: input }) => `${type} ${input}`.trim()).join(", ");
    const parts = Object.entries(table[name].parts ?? {})
      .map(([part, inner]) => `\nOf \`"${part}"\`:\n\n${said(inner)}`);
    return `\n## ${known.error.name}(${inputs})\n\n${wrapped(`By ${names}.`)}\n\n${said(table[name])}${parts.join("")}`;
  });
  return `${introduction}${sections.join("")}`;
}

/** What is wrong with the imports of a source: they are relative, or of packages by the names that npm gives them. */
export function importProblems(source, text) {
  const imports = [...text.matchAll(/^(?:import|\}) [^;]*?"([^"]+)";/gm)].map(([, path]) => path);
  const others = imports.filter((path) => !/^(\.\.?\/|@openzeppelin\/contracts\/|solady\/src\/)/.test(path));
  return others.map((path) => `${source}: expected a relative import, or one of a dependency, found ${path}`);
}

/** What is wrong with a file of deployments/: it describes a chain, is named for it, and follows the schema. */
export function deploymentProblems(file, text, schema) {
  const at = `deployments/${file}`;
  const { properties, required, $defs } = JSON.parse(schema);
  let deployment;
  try {
    deployment = JSON.parse(text);
  } catch {
    return [`${at}: expected JSON`];
  }
  const rule = ({ $ref, anyOf, ...own }) => {
    const reference = $ref ?? anyOf?.find((one) => one.$ref)?.$ref;
    return reference ? $defs[reference.replace("#/$defs/", "")] : own;
  };
  const fits = (value, { type, pattern, const: only }) =>
    (only === undefined || value === only) && (type !== "integer" || Number.isSafeInteger(value)) &&
    (type !== "string" || (typeof value === "string" && new RegExp(pattern).test(value)));
  const missing = required.filter((key) => !Object.hasOwn(deployment, key));
  const unknown = Object.keys(deployment).filter((key) => !Object.hasOwn(properties, key));
  const wrong = Object.keys(deployment)
    .filter((key) => properties[key] && !fits(deployment[key], rule(properties[key])));
  const name = `${deployment.chain_id}.json`;
  return [
    ...missing.map((key) => `${at}: expected ${key}, found nothing`),
    ...unknown.map((key) => `${at}: expected keys of the schema, found ${key}`),
    ...wrong.map((key) => `${at}: expected what the schema says of ${key}, found ${JSON.stringify(deployment[key])}`),
    ...(file === name ? [] : [`${at}: expected the name of its chain, ${name}`]),
  ];
}
