// The worker of a page, behind the engine. The page sends the module first, and questions after it.
let engine;
onmessage = async ({ data: { module, question, terms, files } }) => {
  engine ??= Engine.load(module);
  if (!question) return;
  try {
    postMessage({ text: (await engine).ask(question, terms, files) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};
