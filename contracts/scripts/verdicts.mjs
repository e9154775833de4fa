// Changes a call to `verifyProof` in every way that test/fixtures/verdicts.json lists, and compares the contract's
// verdict on anvil with the native verifier's.
//
// Expects the contracts to be built.

import { execFileSync } from "node:child_process";
import { read, withAnvil } from "./anvil.mjs";

/** The errors of the contract, by the verdicts of the native verifier. */
const ERRORS = {
  length: "ProofLength(uint256,uint256)",
  point: "PointNotOnCurve(uint256)",
  scalar: "ScalarOutOfField(uint256)",
  blind: "NotBlinded()",
  degenerate: "DegenerateChallenge()",
  pairing: "PairingFailed()",
};

const selectors = Object.fromEntries(
  Object.entries(ERRORS).map(([verdict, error]) => [
    execFileSync("cast", ["sig", error], { encoding: "utf8" }).trim(),
    verdict,
  ]),
);

/** The call with some bytes replaced. */
const patched = (call, { offset, bytes }) =>
  call.slice(0, 2 + 2 * offset) + bytes.slice(2) + call.slice(2 * offset + bytes.length);

const { call, patches } = read("test/fixtures/verdicts.json");

const disagreements = await withAnvil(async (node) => {
  const verifier = await node.deploy("DevelopmentVerifierK11.sol", "SuretyVerifierK11");
  const verdict = async (data) => {
    const reverted = await node.revertData(verifier, data);
    return reverted ? selectors[reverted.slice(0, 10)] : "valid";
  };
  const found = [[{ verdict: "valid" }, await verdict(call)]];
  for (const patch of patches) found.push([patch, await verdict(patched(call, patch))]);
  return found.filter(([patch, verdict]) => patch.verdict !== verdict);
});

for (const [patch, verdict] of disagreements) {
  console.error(`verdicts: expected ${JSON.stringify(patch)}, found ${verdict}`);
  process.exitCode = 1;
}
