/** The verifier, which `scripts/build.mjs` writes: compressed with gzip, in base64. */
declare module '#verifier-module' {
  const base64: string;
  export default base64;
}
