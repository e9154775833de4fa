// Runs a module of Surety: in a worker of a page, in Node, or in the package of sdk/. Its functions take numbers only:
// bytes pass in words of four.

/** A module that answers questions, one at a time. */
export class Engine {
  #functions;

  /** From its bytes, compressed with gzip. */
  static async load(compressed) {
    const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream('gzip'));
    const engine = new Engine();
    const { instance } = await WebAssembly.instantiate(await new Response(stream).arrayBuffer(), {});
    engine.#functions = instance.exports;
    return engine;
  }

  /** What the module remembers, which tests look through. */
  get memory() {
    return this.#functions.memory;
  }

  /**
   * The answer to a question about files, as text in JSON. Every question gets randomness of its own.
   *
   * The contents of the files are overwritten: nobody asks twice with the same.
   */
  ask(question, terms, files) {
    const { push, pull, [question]: answer } = this.#functions;
    const message = written(terms, files);
    const view = new DataView(message.buffer);
    const length = message.unpadded;
    for (let position = 0; position < length; position += 4) push(view.getUint32(position, true));
    for (const used of [message, ...files.map(({ content }) => content)]) used.fill(0);
    const words = new DataView(new ArrayBuffer(Math.ceil(answer(length) / 4) * 4));
    for (let position = 0; position < words.byteLength; position += 4) {
      words.setUint32(position, pull(position), true);
    }
    // Zeros fill the last word up.
    return new TextDecoder().decode(words.buffer).replace(/\0+$/, '');
  }
}

const hexadecimal = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** A message: the length of its header, the header, and the files. */
function written(terms, files) {
  const header = new TextEncoder().encode(JSON.stringify({
    seed: `0x${hexadecimal(crypto.getRandomValues(new Uint8Array(64)))}`,
    terms,
    files: files.map(({ role, name, content }) => ({ role: role ?? null, name, bytes: content.length })),
  }));
  const unpadded = 4 + header.length + files.reduce((sum, { content }) => sum + content.length, 0);
  const message = new Uint8Array(Math.ceil(unpadded / 4) * 4);
  new DataView(message.buffer).setUint32(0, header.length, true);
  message.set(header, 4);
  let offset = 4 + header.length;
  for (const { content } of files) {
    message.set(content, offset);
    offset += content.length;
  }
  return Object.assign(message, { unpadded });
}
