/**
 * Surety from TypeScript.
 *
 * | module | idea |
 * |---|---|
 * | contracts | reads, writes and events, with viem; requests for wagmi and ethers |
 * | explain | what an error of a contract means, and what to do |
 * | files | attestations and statements as `surety` writes them |
 * | typed-data | what sources, nodes and subjects sign (EIP-712) |
 * | verifier | the native verifier in WebAssembly |
 * | abi | interfaces of the contracts |
 */
export * from './abi.js';
export * from './contracts.js';
export * from './explain.js';
export * from './files.js';
export * from './typed-data.js';
export * from './verifier.js';
