// Written by `npm run artifacts -- --update` in contracts/. Do not edit.
export const errors = {
  "AccessControlBadConfirmation()": {
    "cause": "an account can renounce its own role only",
    "cure": "renounce the role with the key of the account that has it"
  },
  "AccessControlEnforcedDefaultAdminDelay(uint48)": {
    "cause": "the transfer of ownership was begun too short a time ago",
    "cure": "accept the transfer after the time that the error names"
  },
  "AccessControlEnforcedDefaultAdminRules()": {
    "cause": "ownership of the policy registry moves in two steps, and not by granting the role",
    "cure": "begin with beginDefaultAdminTransfer, and have the new owner accept after the delay"
  },
  "AccessControlInvalidDefaultAdmin(address)": {
    "cause": "the address is not the one that ownership is being transferred to, or is zero",
    "cure": "use the address that beginDefaultAdminTransfer was given"
  },
  "AccessControlUnauthorizedAccount(address,bytes32)": {
    "cause": "the account that calls does not have the role that this takes",
    "cure": "use the key of the policy registry's owner"
  },
  "AlreadyFlagged(address)": {
    "cause": "the account has a flag that stands",
    "cure": "wait until its grace is over, and liquidate"
  },
  "AttestingNotPossible()": {
    "cause": "no attestation could be accepted now: there are no fresh prices, or the circuit breaker has marked them",
    "cure": "take a snapshot, and flag the account then"
  },
  "AuctionOver(uint256)": {
    "cause": "the price of the account's collateral has fallen to the floor, and nobody took all in time",
    "cure": "restart the auction, and take as the price falls"
  },
  "AuctionRunning(uint256)": {
    "cause": "the price of the account's collateral still falls",
    "cure": "restart the auction after the time that the error names, or take now"
  },
  "BadAnswer(uint256)": {
    "cause": "a feed's answer is no price: not positive, of no round, of the future, or with other decimals",
    "cure": "wait for the feed, and check its address in the rules; feeds count from 0 in the policy's order"
  },
  "BalancesTooFarApart(uint256)": {
    "cause": "the accounts' balances and the statements are further apart than the policy's skew allows",
    "cure": "ask the custodians for statements of the book's moment, and build the book anew"
  },
  "ConsumerExists(address)": {
    "cause": "the consumer has been registered already",
    "cure": "nothing is left to do"
  },
  "DeadlineOver(uint256)": {
    "cause": "the signature was to be used by an earlier time",
    "cure": "have the subject sign again with a later deadline"
  },
  "DegenerateChallenge()": {
    "cause": "a challenge fell on a point where nothing can be checked, which is chance",
    "cure": "prove anew"
  },
  "DegenerateCoefficients(uint256)": {
    "cause": "at these prices a level's coefficients commit to nothing, which happens to no honest policy",
    "cure": "wait for other prices; if it stays so, check the policy with surety reproduce"
  },
  "DelayIsFixed()": {
    "cause": "the policy registry's delay is fixed for good",
    "cure": "leave the delay as it is"
  },
  "DrawsOnVault(bytes32)": {
    "cause": "the policy draws on a vault, whose collateral could leave in the transaction in which it was relied on",
    "cure": "use a policy without a vault, or a consumer that the vault's deployer registers"
  },
  "Dust(uint256,uint256)": {
    "cause": "the fill would pay less than the auction's minimum, or leave less than that owed",
    "cure": "take more, so that everything is paid or at least the minimum is left, or all of the token"
  },
  "ERC20InsufficientAllowance(address,uint256,uint256)": {
    "cause": "the spender may take less of the token than it wants to",
    "cure": "approve the amount for the spender first"
  },
  "ERC20InsufficientBalance(address,uint256,uint256)": {
    "cause": "the account has less of the token than it is to pay",
    "cure": "mint or transfer tokens to the account first"
  },
  "ERC20InvalidApprover(address)": {
    "cause": "the zero address approves nothing",
    "cure": "call the token from an account"
  },
  "ERC20InvalidReceiver(address)": {
    "cause": "the token does not go to the zero address",
    "cure": "name another recipient"
  },
  "ERC20InvalidSender(address)": {
    "cause": "the zero address has nothing to send",
    "cure": "call the token from an account"
  },
  "ERC20InvalidSpender(address)": {
    "cause": "the zero address spends nothing",
    "cure": "name another spender"
  },
  "EmptyBatch()": {
    "cause": "the batch is empty",
    "cure": "give at least one attestation"
  },
  "Encumbered(uint256)": {
    "cause": "an account is pledged to another policy",
    "cure": "ask the source to release the account"
  },
  "EndsInThePast(uint40)": {
    "cause": "the lien would end before now",
    "cure": "give a last second in the future"
  },
  "EpochHasBook(uint64)": {
    "cause": "the venue has published a book over the policy's prices of this epoch, or of a later one",
    "cure": "take a snapshot of a later epoch, and build the next book over it"
  },
  "EpochTaken(uint64)": {
    "cause": "a snapshot of this epoch, or of a later one, is there",
    "cure": "use the snapshot that is there, or wait for the next epoch"
  },
  "FeeTooSmall(uint256,uint256)": {
    "cause": "less was sent along than the fee of Pyth",
    "cure": "send the fee that the error expects; what is left comes back"
  },
  "Held(address)": {
    "cause": "the account owes the vault's venue, which sells its collateral and holds back its withdrawals",
    "cure": "deposit quote tokens and have the venue collect them, or wait until the auction has paid what is owed"
  },
  "InDebt(address,uint256)": {
    "cause": "the account owes the venue from a position that was closed",
    "cure": "deposit quote tokens and have the venue collect them, and open the position then"
  },
  "InGrace(uint256)": {
    "cause": "the account still has time to attest",
    "cure": "liquidate after the time that the error names"
  },
  "InvalidAccountNonce(address,uint256)": {
    "cause": "the nonce is not the subject's present one",
    "cure": "read the nonce with nonces(subject), and sign anew"
  },
  "InvalidAmount(uint256)": {
    "cause": "the amount is zero, or would be once an auction has cut it, exceeds what is due, or takes the vault beyond 2^63 - 1 lots of the asset",
    "cure": "give a positive amount within that limit"
  },
  "InvalidAsset(uint256)": {
    "cause": "an asset has no unit, is listed twice, or its point is none or another asset's",
    "cure": "list each token once, with its unit and its instrument's point"
  },
  "InvalidCommitment(uint256)": {
    "cause": "a statement's commitment is no point or hides nothing; behind the last statement, the vault's or the sum",
    "cure": "ask the sources for new statements; if the vault is meant, read it anew with surety chain vault"
  },
  "InvalidFeed()": {
    "cause": "the terms of a feed make no sense: its confidence, its decimals, its grace or its contracts",
    "cure": "create the feed with terms within the bounds that its source states"
  },
  "InvalidFeeds()": {
    "cause": "two feeds have different decimals, are one feed, or have no age or deviation",
    "cure": "create the feed over two feeds of equal decimals, with ages and a deviation of at most one"
  },
  "InvalidLot(uint256)": {
    "cause": "a token for sale at an auction is the quote token, no asset of the vault or listed twice, or its market has no price or decimals that do not go together",
    "cure": "list assets of the vault other than the quote token, each once, with the index of its price in the market vector"
  },
  "InvalidPublication(string)": {
    "cause": "this part of the publication breaks a rule of the policy registry",
    "cure": "correct it in the policy or in the rules, and compile the policy anew",
    "parts": {
      "aggregator": {
        "cause": "a feed's address is no contract, or its decimals are others",
        "cure": "correct the feed in the rules"
      },
      "aggregatorDecimals": {
        "cause": "a feed's address is no contract, or its decimals are others",
        "cure": "correct the feed in the rules"
      },
      "grace": {
        "cause": "the grace is longer than half an epoch",
        "cure": "set grace in the rules to half of the policy's epoch at most"
      },
      "sources": {
        "cause": "a source has no signer, is named twice, or is an oracle node too",
        "cure": "give each source and each oracle node a signer of its own, and publish the policy anew"
      },
      "nodes": {
        "cause": "a source has no signer, is named twice, or is an oracle node too",
        "cure": "give each source and each oracle node a signer of its own, and publish the policy anew"
      },
      "sufficient": {
        "cause": "no level claims sufficiency, or more than there are",
        "cure": "publish a policy with such a level, all of them first"
      },
      "levels": {
        "cause": "the policy has no level, or more than the registry takes",
        "cure": "publish a policy with 1 to 16 levels"
      },
      "feeds": {
        "cause": "a policy has either feeds or a quorum of oracle nodes, and at most 64 feeds",
        "cure": "name feeds in the rules if no nodes sign, and none if they do"
      },
      "quorum": {
        "cause": "a policy has either feeds or a quorum of oracle nodes, and at most 64 feeds",
        "cure": "name feeds in the rules if no nodes sign, and none if they do"
      }
    }
  },
  "InvalidRules(string)": {
    "cause": "the rules have no kinds of pages, commitments that are no points, or a policy whose sources are contracts or have scopes; of a venue or an auction, the named rule does not fit the others, the policy or the vault",
    "cure": "compile the rules of a book anew, over a policy whose sources sign with keys and have no scopes; correct the named rule of a venue or an auction"
  },
  "InvalidShortString()": {
    "cause": "a text that a contract keeps for its EIP-712 domain is damaged, which contracts of this project never meet",
    "cure": "check that the contract was deployed from this version's bytecode"
  },
  "InvalidSignatures()": {
    "cause": "fewer good signatures than the policy's quorum, or not in ascending order of their signers",
    "cure": "collect the signatures of as many nodes as the policy's quorum, all over this snapshot"
  },
  "InvalidSize(int128,uint256)": {
    "cause": "the position's notional is zero, or more than the venue allows for an account",
    "cure": "give a size between zero and maxNotional"
  },
  "InvalidSnapshot(string)": {
    "cause": "the commitments to the coefficients are not those of the published policy's levels",
    "cure": "compile the policy that was published, and have the nodes sign the snapshot anew",
    "parts": {
      "newest": {
        "cause": "the newest price is ahead of the chain's clock, or too long after the oldest one, or in another epoch; the clock is the time of the last block, and a quiet test chain stands still between transactions",
        "cure": "have the chain make a block, on a test chain with `cast rpc evm_mine`, and submit again; otherwise sign reports of one epoch anew"
      },
      "time": {
        "cause": "the oldest price is older than the policy's max_age by the chain's clock, which is the time of the last block",
        "cure": "sign new reports, aggregate and submit them at once"
      },
      "epoch": {
        "cause": "the epoch does not follow from the time of the oldest price",
        "cure": "aggregate the reports anew over this policy, and have the nodes sign that snapshot"
      },
      "slack": {
        "cause": "the slack is not between the snapshot's skew and the policy's max_age",
        "cure": "have the nodes sign the snapshot anew with surety chain sign-snapshot"
      }
    }
  },
  "InvalidSum()": {
    "cause": "the sum of the pages is no point",
    "cure": "build the book anew"
  },
  "Lapsed(uint64)": {
    "cause": "the attestation no longer counts",
    "cure": "prove anew over the newest prices"
  },
  "LossUncovered(uint256)": {
    "cause": "the venue has a loss that nobody has covered",
    "cure": "have somebody call coverLoss, and open the position then"
  },
  "LossUnpaid(uint256)": {
    "cause": "the account's collateral in the quote token does not pay its loss",
    "cure": "deposit at least the amount that the error names, and close again"
  },
  "MixedVerifiers()": {
    "cause": "the attestations of a batch are under more than one verifying contract",
    "cure": "bring attestations of policies of one set-up and capacity class together"
  },
  "NoConsent(address)": {
    "cause": "the subject must bring the attestation or sign it, and has not",
    "cure": "have the subject sign it with surety consent, or bring it with the subject's key"
  },
  "NoConsumer()": {
    "cause": "a lien is granted to the zero address",
    "cure": "give the address of the consumer"
  },
  "NoEther()": {
    "cause": "the attestation came with ether, which the resolver does not take",
    "cure": "make the attestation without ether"
  },
  "NoLien(address)": {
    "cause": "the caller has no lien on anything that the policy draws on",
    "cure": "nothing is left to do"
  },
  "NoOutage(uint256)": {
    "cause": "prices are fresh enough for trading",
    "cure": "close or liquidate the position at the newest price"
  },
  "NoParts()": {
    "cause": "the proof of scopes is about no source",
    "cure": "prove for this attestation registry, verifier, snapshot and vault"
  },
  "NoPosition(address)": {
    "cause": "the account has no position",
    "cure": "open one first"
  },
  "NoScopes()": {
    "cause": "the attestation has a proof of scopes, and the policy gives no source a scope",
    "cure": "prove anew under the policy as it is published"
  },
  "NoSubject()": {
    "cause": "the attestation is about the zero address",
    "cure": "prove for the subject's address"
  },
  "NotAttested(address,address)": {
    "cause": "no fresh attestation of the level that is needed holds without the amount",
    "cure": "prove without the amount for each consumer with exposure, bring the attestations, and withdraw then"
  },
  "NotBlinded()": {
    "cause": "the proof shows the holdings themselves, and not the blinded ones",
    "cure": "prove for this attestation registry, verifier, snapshot and vault"
  },
  "NotConsumer()": {
    "cause": "the policy draws on a vault that does not know the contract as a consumer under this policy, so that collateral could leave in the same transaction",
    "cure": "have the vault's deployer register the contract with registerConsumer and this policy"
  },
  "NotConsumer(address)": {
    "cause": "the caller is no consumer of the vault",
    "cure": "nothing is left to do"
  },
  "NotEnough(uint256,uint256)": {
    "cause": "there is not so much in the vault",
    "cure": "give a smaller amount"
  },
  "NotFlagged(address)": {
    "cause": "the account has no flag, or a newer attestation has voided it",
    "cure": "flag the account, and liquidate after the grace"
  },
  "NotFrozen(bytes32)": {
    "cause": "the policy is not frozen",
    "cure": "nothing is left to do"
  },
  "NotNewer(uint64)": {
    "cause": "the venue has published a book of this moment or of a later one",
    "cure": "build the next book over newer balances"
  },
  "NotOfTheMock()": {
    "cause": "the mock registry has no such function",
    "cure": "use vouch and vouchShort, or deploy the true registry with SuretyMockVerifier"
  },
  "NotProven(address,bytes32,uint256)": {
    "cause": "the recipient does not hold the level by a proof that counts now, or the level claims a shortfall",
    "cure": "have the recipient prove over the newest snapshot and attest, and make the attestation then"
  },
  "NotReturned(uint256)": {
    "cause": "the sender takes no coins, and some are left of the fee",
    "cure": "send exactly the fee, or from an account that takes coins"
  },
  "NotShort(address)": {
    "cause": "no shortfall of the account counts, or the venue has no level of shortfalls",
    "cure": "have the shortfall proven over the newest snapshot and attested, or flag the account"
  },
  "NotSufficient(address,uint256)": {
    "cause": "no attestation of the level or a stricter one counts for the subject, by prices as fresh as is asked for",
    "cure": "have the subject prove over the newest snapshot, attest, and call again"
  },
  "NotVenue()": {
    "cause": "the venue has an auction and is not the vault's venue, so that it could not seize what it sells",
    "cure": "have the vault's deployer name the venue with setVenue, or deploy the venue without an auction"
  },
  "NotYet()": {
    "cause": "a price or a statement is ahead of the chain's clock, which is the time of the last block",
    "cure": "compare your clock with the chain's; have a quiet test chain make a block with `cast rpc evm_mine`"
  },
  "NothingLeft()": {
    "cause": "the statements hide nothing beside the pages",
    "cure": "ask the custodians for new statements"
  },
  "NothingOwed(address)": {
    "cause": "the account owes the venue nothing, so that none of its collateral is for sale",
    "cure": "nothing is left to do"
  },
  "OnlyAuction()": {
    "cause": "only the venue's auction may do this",
    "cure": "take collateral through the auction"
  },
  "OnlyDeployer()": {
    "cause": "only the vault's creator may do this",
    "cure": "use the key that created the vault"
  },
  "OnlyService()": {
    "cause": "the caller is not the attestation service",
    "cure": "make the attestation with the service, under a schema that has this resolver"
  },
  "OnlyVenue()": {
    "cause": "only the vault's venue may do this",
    "cure": "have the venue do it"
  },
  "OtherRulesCount(bytes32,uint64)": {
    "cause": "a book of the venue under other rules has not lapsed, and the same reserves would cover both",
    "cure": "wait until it has lapsed: the newest book is not always the last"
  },
  "OwnableInvalidOwner(address)": {
    "cause": "the owner would be the zero address",
    "cure": "give another owner"
  },
  "OwnableUnauthorizedAccount(address)": {
    "cause": "the caller is not the owner",
    "cure": "use the key of the venue's owner"
  },
  "PairingFailed()": {
    "cause": "the proof is not one of this claim",
    "cure": "prove for this attestation registry, verifier, snapshot and vault"
  },
  "PointNotOnCurve(uint256)": {
    "cause": "the proof is damaged, or is no proof",
    "cure": "prove for this attestation registry, verifier, snapshot and vault"
  },
  "PointOperationFailed()": {
    "cause": "a precompile for points of BN254 failed: too little gas, or a coordinate that is no point's",
    "cure": "give the call more gas, and check the commitments that it was given"
  },
  "PolicyExists(bytes32)": {
    "cause": "the policy has been published already",
    "cure": "nothing is left to do"
  },
  "PolicyNotInForce(bytes32)": {
    "cause": "the policy does not count yet, is frozen, or has ended",
    "cure": "wait until the policy registry's delay is over, or ask its owner why the policy is frozen or ended"
  },
  "PoolTooSmall(uint256,uint256)": {
    "cause": "the free part of the venue's pool does not cover the largest gain of the position, or the amount",
    "cure": "give a smaller size or amount, or have the owner fund the pool"
  },
  "PositionExists(address)": {
    "cause": "the account has a position already",
    "cure": "close it first"
  },
  "PresentedToAnother(bytes32)": {
    "cause": "the attestation is made for another caller",
    "cure": "have that caller bring it, or prove anew with --presentation and the caller's address"
  },
  "PriceBeforeFlag(uint40,uint40)": {
    "cause": "the newest price is older than the flag",
    "cure": "take a snapshot, and liquidate over it"
  },
  "PriceBeforeFreeze(uint64)": {
    "cause": "the newest price is from before the policy was frozen, and may be what the guardian distrusted",
    "cure": "take a snapshot, and have a shortfall attested over it or take collateral then"
  },
  "PriceMarked(uint64)": {
    "cause": "the circuit breaker has marked the newest price",
    "cure": "wait for a snapshot whose prices have settled"
  },
  "PriceOutOfRange(uint256,uint256)": {
    "cause": "a feed's price is outside the range for which the policy's programs are sound",
    "cure": "wait for the feed, or publish a policy with a wider range; feeds count from 0 in the policy's order"
  },
  "PriceTooOld(uint256)": {
    "cause": "the newest price is older than the venue or the auction allows",
    "cure": "take a snapshot, and call again"
  },
  "PricesTooOld(uint256)": {
    "cause": "the prices are older than the snapshot allows",
    "cure": "take a snapshot, read it with surety chain market and prove anew"
  },
  "ProofLength(uint256,uint256)": {
    "cause": "the proof has another length than proofs of this version",
    "cure": "prove for this attestation registry, verifier, snapshot and vault"
  },
  "ReentrancyGuardReentrantCall()": {
    "cause": "a token or a recipient called back while the contract was at work",
    "cure": "use a token that makes no such call"
  },
  "RulesExist(bytes32)": {
    "cause": "the rules have been registered already",
    "cure": "nothing is left to do"
  },
  "SafeCastOverflowedUintDowncast(uint8,uint256)": {
    "cause": "a time is beyond the bits that it is kept in, or a loss beyond 2^128 of the smallest units",
    "cure": "give a time below 2^40 seconds; deploy the venue with a smaller maxNotional"
  },
  "SafeERC20FailedOperation(address)": {
    "cause": "the token refused a transfer",
    "cure": "check the allowance and the balance of the payer, and that the token lets the recipient receive"
  },
  "ScalarOutOfField(uint256)": {
    "cause": "the proof is damaged, or is no proof",
    "cure": "prove for this attestation registry, verifier, snapshot and vault"
  },
  "SequenceRepeated(uint256,uint64)": {
    "cause": "another statement about the account with the same sequence number has been seen",
    "cure": "ask the source for a new statement, which must have a number of its own"
  },
  "ShortfallSuperseded(uint64)": {
    "cause": "the shortfall was attested over prices that are not the newest",
    "cure": "have the shortfall proven over the newest snapshot and attested"
  },
  "SnapshotMarked(uint64)": {
    "cause": "the policy's circuit breaker has marked the snapshot, or the one after it",
    "cure": "wait for a snapshot whose prices have settled, and prove anew"
  },
  "SnapshotNotSigned(uint64)": {
    "cause": "the policy's prices come from feeds, and a book refers to a snapshot that nodes have signed",
    "cure": "publish a policy whose nodes sign, without feeds in its chain rules"
  },
  "SnapshotSuperseded(uint64)": {
    "cause": "the snapshot is not the newest, and its grace is over",
    "cure": "read the newest prices with surety chain market and prove anew"
  },
  "StaleAnswer(uint256,uint256)": {
    "cause": "a feed's answer is older than the policy allows",
    "cure": "wait for the feed's next answer; feeds count from 0 in the policy's order"
  },
  "StatementSuperseded(uint256,uint64)": {
    "cause": "a newer statement about the account has been seen",
    "cure": "ask the source for a new statement, and prove anew"
  },
  "StatementsTooFarApart(uint256)": {
    "cause": "the statements' times lie further apart than the policy allows",
    "cure": "ask the sources for new statements as of one time"
  },
  "StatementsTooOld(uint256)": {
    "cause": "the oldest statement is older than the policy allows",
    "cure": "ask the sources for new statements"
  },
  "StillSufficient(address)": {
    "cause": "the account holds the maintenance level",
    "cure": "nothing is left to do"
  },
  "StringTooLong(string)": {
    "cause": "a text is too long for the EIP-712 domain, which contracts of this project never meet",
    "cure": "check that the contract was deployed from this version's bytecode"
  },
  "SubjectVouchesForItself(address)": {
    "cause": "the subject is a source or an oracle node of the policy, and nobody vouches for themselves",
    "cure": "give the subject an address of its own"
  },
  "Superseded(uint64)": {
    "cause": "a newer attestation of the subject is there",
    "cure": "nothing is left to do"
  },
  "TooExpensive(uint256,uint256)": {
    "cause": "the payment is above the limit that the taker has given, or above the limit's part for the amount that there is",
    "cure": "wait until the price has fallen, or raise the limit"
  },
  "TooLittleGas(uint256)": {
    "cause": "the call was given too little gas to ask both feeds, so that one could seem to fail",
    "cure": "give the transaction more gas"
  },
  "TooManyConsumers()": {
    "cause": "the vault has as many consumers as it takes",
    "cure": "use another vault"
  },
  "TooSoon(uint256)": {
    "cause": "snapshots lie at least half an epoch apart",
    "cure": "wait until half an epoch has passed since the snapshot before"
  },
  "UnderLien(uint256,address,uint40)": {
    "cause": "the account, or the vault's collateral, is under another consumer's lien",
    "cure": "wait until that lien ends, or have its consumer release it"
  },
  "UnknownAccount(uint256)": {
    "cause": "the policy has no account at this place",
    "cure": "give the place of one of the policy's accounts"
  },
  "UnknownAsset(address)": {
    "cause": "the token is none of the vault's",
    "cure": "use a token that the vault lists"
  },
  "UnknownEpoch(uint64)": {
    "cause": "the snapshot is neither the newest nor the one before",
    "cure": "read the newest prices with surety chain market and prove anew"
  },
  "UnknownLevel(uint256)": {
    "cause": "the policy on the chain has no such level",
    "cure": "compare the policy with the one that was published: surety reproduce DIR --deployment FILE"
  },
  "UnknownLot(address)": {
    "cause": "the auction does not sell the token",
    "cure": "take a token that lots() lists"
  },
  "UnknownPolicy(bytes32)": {
    "cause": "no policy of this identifier has been published",
    "cure": "publish the policy first"
  },
  "UnknownRules(bytes32)": {
    "cause": "the rules have not been registered",
    "cure": "publish with surety book publish, which registers"
  },
  "ValidTooLong(uint64)": {
    "cause": "the attestation would count for longer than its prices or its statements do",
    "cure": "prove anew, with --valid-until if statements end soon"
  },
  "VaultGrownSince(uint40)": {
    "cause": "the vault has grown after the statements, which may be about the same collateral",
    "cure": "ask the sources for new statements"
  },
  "VaultPledged(address)": {
    "cause": "the vault serves an attestation under another policy",
    "cure": "wait until the attestation under the other policy has lapsed"
  },
  "VaultShrunkSince(uint40)": {
    "cause": "collateral has left the vault after the oldest statement, which may be back at a source",
    "cure": "ask the sources for new statements"
  },
  "VaultTooYoung(uint40)": {
    "cause": "collateral in the vault has not stood for long enough before the snapshot",
    "cure": "wait, take a later snapshot, and prove anew"
  },
  "VenueAlreadySet()": {
    "cause": "the vault's venue has been set before",
    "cure": "nothing is left to do"
  },
  "VenueNotSet()": {
    "cause": "the vault's venue has not been set yet",
    "cure": "set the vault's venue first"
  },
  "WrongContextCount()": {
    "cause": "the batch has not one context and four points for each proof",
    "cure": "bring the attestations with surety chain attest, which counts them"
  },
  "WrongData()": {
    "cause": "the data of the attestation are not the fields of the resolver's schema",
    "cure": "encode policy, level and epoch, as SCHEMA of the resolver says"
  },
  "WrongEnd(uint40,uint40)": {
    "cause": "the end is sooner than after the policy registry's delay, or not before the present end",
    "cure": "give a later time, before the present end: an end is never put off"
  },
  "WrongEpoch(uint64,uint64)": {
    "cause": "the level was proven over the prices of another epoch",
    "cure": "give the epoch that the error expects, which is the record's"
  },
  "WrongExpiration(uint64,uint64)": {
    "cause": "the attestation would expire at another time than the proof lapses",
    "cure": "give the expiration that the error expects, which is the record's validUntil"
  },
  "WrongKind()": {
    "cause": "the policy's prices come from feeds where a signed snapshot was submitted, or the other way round",
    "cure": "take a snapshot where there are feeds, submit a signed one where there are nodes"
  },
  "WrongPageCount(uint32)": {
    "cause": "a book has from one to 2^24 pages",
    "cure": "build the book anew"
  },
  "WrongPointCount()": {
    "cause": "the batch has not one context and four points for each proof",
    "cure": "bring the attestations with surety chain attest, which counts them"
  },
  "WrongPolicy(bytes32)": {
    "cause": "the policy draws on another vault, or on none",
    "cure": "register the consumer with a policy that names this vault"
  },
  "WrongSignature(address)": {
    "cause": "the subject has not signed this lien with its present nonce, for this lien registry",
    "cure": "read the nonce with nonces(subject), and have the subject sign the lien anew"
  },
  "WrongSignature(uint256)": {
    "cause": "a statement is not signed by its source, or is for another chain or attestation registry",
    "cure": "use the statements of the policy's sources, for this attestation registry"
  },
  "WrongStatementCount(uint256,uint256)": {
    "cause": "there is not one statement for each account of the policy's sources",
    "cure": "give one statement for each account, of the policy's sources, for this attestation registry"
  },
  "WrongVault(address)": {
    "cause": "the policy's vault is no contract, or counts by the rows of another universe",
    "cure": "deploy a vault for the policy's universe, and state its address in the policy"
  },
  "WrongVerifier(address)": {
    "cause": "the verifying contract is for another set-up or capacity class than the policy's universe, or is no contract",
    "cure": "deploy with the universe's set-up and capacity, or name the deployment that has them"
  },
  "WrongVersion(uint32,uint32)": {
    "cause": "versions of a line count up one by one",
    "cure": "set policy_version in the rules to the version that the error expects"
  }
} as const;
