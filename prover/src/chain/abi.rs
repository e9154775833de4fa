//! The contracts' interfaces, as far as they are called here. A test compares them with `contracts/src/interfaces`.

use alloy_primitives::{Address, B256, U256, aliases::U40};
use alloy_sol_types::sol;
use surety_core::ident::{Bytes32, EvmAddress, HexBytes};

use super::error::ChainError;

sol! {
    #![sol(all_derives)]

    struct Source {
        address signer;
        bytes32 account;
    }

    struct Feed {
        address aggregator;
        uint8 aggregatorDecimals;
        uint8 decimals;
        uint32 maxAge;
        uint32 maxDeviation;
        uint96 min;
        uint96 max;
    }

    struct LevelCoefficients {
        uint256[2] base;
        uint256[2][] market;
    }

    struct Level {
        bytes32 level;
        uint256[2] idx;
        uint256[2] flag;
        LevelCoefficients coefficients;
    }

    struct Publication {
        bytes32 line;
        uint32 version;
        bytes32 document;
        bytes32 universe;
        bytes32 srs;
        uint32 k;
        address verifier;
        address vault;
        uint40 validity;
        uint40 maxStatementSkew;
        uint40 maxStatementAge;
        uint40 grace;
        bool acceptsMarked;
        uint40 epochLength;
        uint40 maxMarketAge;
        uint40 maxMarketSkew;
        uint32 quorum;
        Source[] sources;
        address[] nodes;
        Feed[] feeds;
        Level[] levels;
    }

    struct LevelWiring {
        bytes32 level;
        uint256[2] idx;
        uint256[2] flag;
    }

    struct Terms {
        bytes32 universe;
        bytes32 srs;
        bytes32 verifyingKey;
        address verifier;
        address vault;
        uint32 k;
        uint40 validity;
        uint40 maxStatementSkew;
        uint40 maxStatementAge;
        uint40 grace;
        bool acceptsMarked;
        Source[] sources;
        address[] nodes;
        LevelWiring[] levels;
    }

    struct MarketRules {
        uint40 epochLength;
        uint40 maxAge;
        uint40 maxSkew;
        uint32 quorum;
        uint32 levelCount;
        address[] nodes;
        Feed[] feeds;
        LevelCoefficients[] levels;
    }

    interface IPolicyRegistry {
        error UnknownPolicy(bytes32 policy);
        error PolicyExists(bytes32 policy);
        error WrongVersion(uint32 expected, uint32 found);
        error WrongVerifier(address verifier);
        error InvalidPublication(string part);
        error NotFrozen(bytes32 policy);
        error DelayIsFixed();

        function publish(Publication calldata publication) external returns (bytes32 policy);
        function countsFrom(bytes32 policy) external view returns (uint40);
        function terms(bytes32 policy) external view returns (Terms memory);
        function marketRules(bytes32 policy) external view returns (MarketRules memory);
    }

    struct Snapshot {
        uint64 epoch;
        uint64 previousEpoch;
        uint40 time;
        uint40 newest;
        uint32 slack;
        bool marked;
    }

    struct SignedSnapshot {
        bytes32 policy;
        uint64 epoch;
        uint40 time;
        uint40 newest;
        uint32 slack;
        bool marked;
        bytes32 id;
        uint256[] coefficients;
    }

    interface ISnapshotOracle {
        error PolicyNotInForce(bytes32 policy);
        error EpochTaken(uint64 epoch);
        error TooSoon(uint256 earliest);
        error UnknownEpoch(uint64 epoch);
        error UnknownLevel(uint256 level);
        error DegenerateCoefficients(uint256 level);
        error WrongKind();
        error BadAnswer(uint256 feed);
        error StaleAnswer(uint256 feed, uint256 age);
        error PriceOutOfRange(uint256 feed, uint256 price);
        error InvalidSnapshot(string part);
        error InvalidSignatures();

        function take(bytes32 policy) external returns (uint64 epoch);
        function submit(SignedSnapshot calldata snapshot, address[] calldata signers, bytes[] calldata signatures)
            external;
        function latest(bytes32 policy) external view returns (Snapshot memory);
        function read(bytes32 policy, uint64 epoch, uint256 level)
            external
            view
            returns (Snapshot memory snapshot, Snapshot memory newest, uint256[2] memory coef);
        function pricesOf(bytes32 policy, uint64 epoch) external view returns (uint96[] memory);
        function idOf(bytes32 policy, uint64 epoch) external view returns (bytes32);
    }

    struct Statement {
        uint256 commitmentX;
        uint256 commitmentY;
        uint64 asOf;
        uint64 validUntil;
        uint64 sequence;
        bytes32 encumbrance;
        bytes signature;
    }

    struct Attestation {
        address subject;
        bytes32 policy;
        uint256 level;
        uint64 epoch;
        uint64 validUntil;
        Statement[] statements;
        bytes proof;
    }

    struct Record {
        uint64 epoch;
        uint64 pricesAt;
        uint64 validUntil;
        uint32 streak;
        uint32 vaultNumber;
    }

    interface IAttestationRegistry {
        error PolicyNotInForce(bytes32 policy);
        error UnknownLevel(uint256 level);
        error NoSubject();
        error SubjectVouchesForItself(address subject);
        error SnapshotSuperseded(uint64 epoch);
        error SnapshotMarked(uint64 epoch);
        error WrongStatementCount(uint256 expected, uint256 found);
        error WrongSignature(uint256 statement);
        error Encumbered(uint256 statement);
        error VaultPledged(address vault);
        error StatementSuperseded(uint256 statement, uint64 newest);
        error InvalidCommitment(uint256 statement);
        error NotYet();
        error StatementsTooFarApart(uint256 skew);
        error VaultGrownSince(uint40 grownAt);
        error StatementsTooOld(uint256 age);
        error PricesTooOld(uint256 age);
        error ValidTooLong(uint64 longest);
        error Lapsed(uint64 validUntil);
        error Superseded(uint64 epoch);
        error MixedVerifiers();
        error EmptyBatch();

        function attest(Attestation calldata attestation) external;
        function attestBatch(Attestation[] calldata attestations) external;
        function isSufficientNoOlderThan(address subject, bytes32 policy, uint256 level, uint256 maxAge)
            external
            view
            returns (bool);
        function levelOf(address subject, bytes32 policy) external view returns (bool holds, uint256 level);
        function recordOf(address subject, bytes32 policy, uint256 level) external view returns (Record memory);
        function streakOf(address subject, bytes32 policy, uint256 level) external view returns (uint32);
        function acceptsAttestations(bytes32 policy) external view returns (bool);
    }

    interface ISuretyVerifier {
        error ProofLength(uint256 received, uint256 expected);
        error ScalarOutOfField(uint256 index);
        error PointNotOnCurve(uint256 index);
        error WrongPointCount();
        error WrongContextCount();
        error EmptyBatch();
        error DegenerateChallenge();
        error PairingFailed();

        function VK_HASH() external view returns (bytes32);
    }

    struct Asset {
        address token;
        uint96 unit;
        uint256 x;
        uint256 y;
    }

    interface ICollateralVault {
        error UnknownAsset(address token);
        error InvalidAsset(uint256 index);
        error InvalidAmount(uint256 amount);
        error NotEnough(uint256 expected, uint256 found);
        error NotAttested(address subject);
        error OnlyVenue();
        error OnlyDeployer();
        error VenueAlreadySet();
        error VenueNotSet();

        function checkpointOf(address subject)
            external
            view
            returns (bytes32 checkpoint, uint32 number, uint256 x, uint256 y);
        function balanceOf(address subject, address token)
            external
            view
            returns (uint256 counted, uint256 waiting, uint256 offered);
        function assets() external view returns (Asset[] memory);
    }

    /// What OpenZeppelin's access control says.
    interface IAccessControl {
        error AccessControlUnauthorizedAccount(address account, bytes32 neededRole);
    }
}

/// An address of this project as the ABI has it.
pub(super) fn address(address: &EvmAddress) -> Address {
    Address::from(address.0)
}

/// 32 bytes of this project as the ABI has them.
pub(super) fn word(bytes: &Bytes32) -> B256 {
    B256::from(bytes.0)
}

/// 32 bytes of the ABI as this project has them.
pub(super) fn bytes32(word: B256) -> Bytes32 {
    HexBytes(word.0)
}

/// The coordinates of an encoded point, `x ‖ y`.
pub(super) fn coordinates(point: &HexBytes<64>) -> [U256; 2] {
    let (x, y) = point.0.split_at(32);
    [U256::from_be_slice(x), U256::from_be_slice(y)]
}

/// The encoding `x ‖ y` of two coordinates.
pub(super) fn encoded([x, y]: [U256; 2]) -> HexBytes<64> {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&x.to_be_bytes::<32>());
    bytes[32..].copy_from_slice(&y.to_be_bytes::<32>());
    HexBytes(bytes)
}

/// A number of seconds that contracts keep in 40 bits.
pub(super) fn seconds(what: &str, value: u64) -> Result<U40, ChainError> {
    U40::try_from(value).map_err(|_| ChainError::input(what, "a number of seconds below 2^40", value))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::Path};

    use alloy_sol_types::{SolCall, SolStruct, SolType};

    use super::*;

    /// The sources of the interfaces, without comments.
    fn sources() -> String {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/src/interfaces");
        let files =
            ["IPolicyRegistry", "ISnapshotOracle", "IAttestationRegistry", "ICollateralVault", "ISuretyVerifier"];
        let mut sources = String::new();
        for file in files {
            let text = fs::read_to_string(directory.join(format!("{file}.sol"))).unwrap();
            for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                sources += line.trim();
                sources.push(' ');
            }
        }
        sources
    }

    /// What follows a name up to a delimiter: the fields of a struct, the arguments of a function.
    fn after<'a>(sources: &'a str, start: &str, end: &str) -> &'a str {
        let (_, rest) = sources.split_once(start).unwrap_or_else(|| panic!("the interfaces have {start}"));
        rest.split_once(end).unwrap().0
    }

    /// `type name` for each field of a struct.
    fn fields(sources: &str, name: &str) -> Vec<String> {
        let fields = after(sources, &format!("struct {name} {{"), "}");
        fields.split(';').map(|field| field.trim().to_owned()).filter(|field| !field.is_empty()).collect()
    }

    /// A type as signatures have it: structs as tuples, contracts as addresses.
    fn canonical(sources: &str, kind: &str) -> String {
        let (base, array) = kind.split_at(kind.find('[').unwrap_or(kind.len()));
        if sources.contains(&format!("struct {base} {{")) {
            let fields = fields(sources, base);
            let types: Vec<_> =
                fields.iter().map(|field| canonical(sources, field.split(' ').next().unwrap())).collect();
            return format!("({}){array}", types.join(","));
        }
        if sources.contains(&format!("interface {base} ")) { format!("address{array}") } else { kind.to_owned() }
    }

    fn tuple(sources: &str, list: &str) -> String {
        let types = list.split(',').map(str::trim).filter(|item| !item.is_empty());
        let types: Vec<_> = types.map(|item| canonical(sources, item.split(' ').next().unwrap())).collect();
        format!("({})", types.join(","))
    }

    /// Function or error, with its arguments, and what it returns.
    fn declarations(sources: &str, keyword: &str) -> BTreeMap<String, String> {
        let keyword = format!(" {keyword} ");
        let parts = sources.split(&keyword).skip(1);
        let declarations = parts.map(|part| {
            let declaration = part.split_once(';').unwrap().0;
            let (name, rest) = declaration.split_once('(').unwrap();
            let (arguments, rest) = rest.split_once(')').unwrap();
            let returns = rest.split_once("returns (").map_or("", |(_, list)| list.strip_suffix(')').unwrap());
            let returns: Vec<_> = returns.split(',').map(|item| item.trim().split(' ').next().unwrap()).collect();
            (format!("{name}{}", tuple(sources, arguments)), format!("({})", returns.join(",")))
        });
        declarations.collect()
    }

    fn check<C: SolCall>(declared: &BTreeMap<String, String>) {
        let returns = declared.get(C::SIGNATURE).unwrap_or_else(|| panic!("the interfaces have {}", C::SIGNATURE));
        assert_eq!(<C::ReturnTuple<'static> as SolType>::SOL_NAME, returns, "{}", C::SIGNATURE);
    }

    #[test]
    fn calls_are_those_of_the_interfaces() {
        let declared = declarations(&sources(), "function");
        check::<IPolicyRegistry::publishCall>(&declared);
        check::<IPolicyRegistry::countsFromCall>(&declared);
        check::<IPolicyRegistry::termsCall>(&declared);
        check::<IPolicyRegistry::marketRulesCall>(&declared);
        check::<ISnapshotOracle::takeCall>(&declared);
        check::<ISnapshotOracle::submitCall>(&declared);
        check::<ISnapshotOracle::latestCall>(&declared);
        check::<ISnapshotOracle::readCall>(&declared);
        check::<ISnapshotOracle::pricesOfCall>(&declared);
        check::<ISnapshotOracle::idOfCall>(&declared);
        check::<IAttestationRegistry::attestCall>(&declared);
        check::<IAttestationRegistry::attestBatchCall>(&declared);
        check::<IAttestationRegistry::isSufficientNoOlderThanCall>(&declared);
        check::<IAttestationRegistry::levelOfCall>(&declared);
        check::<IAttestationRegistry::recordOfCall>(&declared);
        check::<IAttestationRegistry::streakOfCall>(&declared);
        check::<IAttestationRegistry::acceptsAttestationsCall>(&declared);
        check::<ISuretyVerifier::VK_HASHCall>(&declared);
        check::<ICollateralVault::checkpointOfCall>(&declared);
        check::<ICollateralVault::balanceOfCall>(&declared);
        check::<ICollateralVault::assetsCall>(&declared);
    }

    #[test]
    fn fields_are_those_of_the_interfaces() {
        let sources = sources();
        let same = |name: &str, root: std::borrow::Cow<'static, str>| {
            assert_eq!(root, format!("{name}({})", fields(&sources, name).join(",")));
        };
        same("Source", Source::eip712_root_type());
        same("Feed", Feed::eip712_root_type());
        same("LevelCoefficients", LevelCoefficients::eip712_root_type());
        same("Level", Level::eip712_root_type());
        same("Publication", Publication::eip712_root_type());
        same("LevelWiring", LevelWiring::eip712_root_type());
        same("Terms", Terms::eip712_root_type());
        same("MarketRules", MarketRules::eip712_root_type());
        same("Snapshot", Snapshot::eip712_root_type());
        same("SignedSnapshot", SignedSnapshot::eip712_root_type());
        same("Statement", Statement::eip712_root_type());
        same("Attestation", Attestation::eip712_root_type());
        same("Record", Record::eip712_root_type());
        same("Asset", Asset::eip712_root_type());
    }

    #[test]
    fn every_error_of_the_interfaces_is_known_by_its_name() {
        let sources = sources();
        let known: Vec<&str> = [
            IPolicyRegistry::IPolicyRegistryErrors::SIGNATURES,
            ISnapshotOracle::ISnapshotOracleErrors::SIGNATURES,
            IAttestationRegistry::IAttestationRegistryErrors::SIGNATURES,
            ISuretyVerifier::ISuretyVerifierErrors::SIGNATURES,
            ICollateralVault::ICollateralVaultErrors::SIGNATURES,
        ]
        .concat();
        let declared = declarations(&sources, "error");
        for error in declared.keys() {
            assert!(known.contains(&&**error), "{error} is missing in the mirror");
        }
        for error in known {
            assert!(declared.contains_key(error), "{error} is none of the interfaces'");
        }
    }
}
